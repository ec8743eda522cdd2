/* Names of the environment variables that the parts of slurm-sweep pass to each other.
 *
 * They are C macros because the SPANK plugin includes this file too. They begin with SLURM_ because with
 * `srun --export=NONE` (or a list) Slurm passes on no other variables. Before a benchmark starts, the agent
 * removes all of them from the environment, because one is a secret, and also Slurm's record of the plugin's
 * options, because otherwise an srun inside the benchmark would start another sweep.
 */
#ifndef SWEEP_ENV_NAMES_HPP
#define SWEEP_ENV_NAMES_HPP

/* The prefix of all of them; used to remove them. */
#define SWEEP_ENV_PREFIX "SLURM_SWEEP_"

/* The controller's endpoint in ZeroMQ's notation: tcp://host:port. */
#define SWEEP_ENV_ENDPOINT "SLURM_SWEEP_ENDPOINT"
/* The controller's CURVE public key, Z85, 40 characters. */
#define SWEEP_ENV_SERVER_KEY "SLURM_SWEEP_SERVER_KEY"
/* The sweep's CURVE client secret key, Z85, 40 characters. Every process that has it can connect. */
#define SWEEP_ENV_CLIENT_SECRET "SLURM_SWEEP_CLIENT_SECRET"

/* Set if the agent runs inside an image: the paths, in the container, of the dynamic loader that starts it
 * and of the agent. */
#define SWEEP_ENV_LOADER "SLURM_SWEEP_LOADER"
#define SWEEP_ENV_AGENT "SLURM_SWEEP_AGENT"
/* Names, separated by commas, that the plugin removes from the environment of the step's tasks. An unsetenv() in
 * srun has no effect: srun copies its environment before it calls plugins, and afterwards adds to the copy
 * what is set, but removes nothing from it. */
#define SWEEP_ENV_UNSET "SLURM_SWEEP_UNSET"
/* The prefix of the variables for pyxis that the plugin may set in addition to those two. */
#define SWEEP_ENV_PYXIS_PREFIX "PYXIS_CONTAINER_"

/* The name under which Slurm records a plugin's options for sruns inside a job is
 * prefix + plugin name + "_" + option name with - as _, e.g. …_sweep_sweep_config. */
#define SWEEP_ENV_SPANK_PREFIX "SLURM_SPANK__SLURM_SPANK_OPTION_sweep_"

#endif
