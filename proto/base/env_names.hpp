/* Names of the environment variables that slurm-sweep's own parts hand to each other.
 *
 * Plain C macros, because the SPANK plugin includes this too. They begin with SLURM_ because with
 * `srun --export=NONE` (or a list) Slurm passes on nothing else. The agent takes every one of them, and
 * Slurm's own record of the plugin's options, out of the environment before a benchmark starts: the first
 * because of the secret, the second because an srun inside the benchmark would start a sweep of its own.
 */
#ifndef SWEEP_ENV_NAMES_HPP
#define SWEEP_ENV_NAMES_HPP

/* All of ours; used to strip. */
#define SWEEP_ENV_PREFIX "SLURM_SWEEP_"

/* Where the controller listens, as ZeroMQ writes it: tcp://host:port. */
#define SWEEP_ENV_ENDPOINT "SLURM_SWEEP_ENDPOINT"
/* The controller's CURVE public key, Z85, 40 characters. */
#define SWEEP_ENV_SERVER_KEY "SLURM_SWEEP_SERVER_KEY"
/* The sweep's CURVE client secret key, Z85, 40 characters. Whoever has it may take part. */
#define SWEEP_ENV_CLIENT_SECRET "SLURM_SWEEP_CLIENT_SECRET"

/* Where the agent runs in an image that pyxis starts the step in: the dynamic loader that starts it, and its
 * own path, as they are inside. */
#define SWEEP_ENV_LOADER "SLURM_SWEEP_LOADER"
#define SWEEP_ENV_AGENT "SLURM_SWEEP_AGENT"
/* What the controller may have the plugin set beside those two, for pyxis. */
#define SWEEP_ENV_PYXIS_PREFIX "PYXIS_CONTAINER_"

/* How Slurm records a plugin's options for the sruns inside a job:
 * prefix + plugin name + "_" + option name with - as _, e.g. …_sweep_sweep_config. */
#define SWEEP_ENV_SPANK_PREFIX "SLURM_SPANK__SLURM_SPANK_OPTION_sweep_"

#endif
