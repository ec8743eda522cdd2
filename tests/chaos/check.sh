# shellcheck shell=bash
# The final check: waits for the end of the sweep, then compares the journal with the files, with the printed lines and
# with the benchmarks' own log. Sourced by tests/chaos.sh.

WRONG=()
wrong_with() { WRONG+=("$*"); }
rows() { sqlite3 "$WORK/journal.db" "$1"; }

copy_journal() {
  rm -f -- "$WORK"/journal.db*
  local part
  for part in '' -wal; do
    [[ ! -e $OUT/sweep.db$part ]] || as_root cp -- "$OUT/sweep.db$part" "$WORK/journal.db$part"
  done
  [[ $EUID == 0 ]] || as_root chown "$(id -u)" "$WORK"/journal.db*
  [[ -s $WORK/journal.db ]] || { wrong_with "there is no journal $OUT/sweep.db"; return 1; }
  [[ $(rows 'PRAGMA integrity_check') == ok ]] || { wrong_with "the journal is damaged"; return 1; }
}

check_journal() {
  DONE=$(rows 'SELECT count(DISTINCT point) FROM results WHERE accepted')
  local twice again manifest
  twice=$(rows 'SELECT count(*) FROM (SELECT point FROM results WHERE accepted GROUP BY point HAVING count(*) > 1)')
  DUPLICATED=$((DUPLICATED + twice))
  ((twice == 0)) || wrong_with "$twice points have more than one accepted result"
  [[ $(rows 'SELECT count(*) FROM points') == "$POINTS" ]] || wrong_with "the journal does not have $POINTS points"
  ((DONE == POINTS)) || wrong_with "$((POINTS - DONE)) points are not done"
  again=$(rows "SELECT count(*) FROM events l JOIN events e ON e.kind = 'ended' AND l.kind = 'leased' AND l.seq > e.seq
    AND json_extract(e.body, '\$.accepted') AND json_extract(e.body, '\$.point') = json_extract(l.body, '\$.point')")
  ((again == 0)) || wrong_with "$again leases of points that already had a result"
  manifest=$(jq '[.points[] | select(.state == "done")] | length' "$OUT/manifest.json" 2>/dev/null) || manifest=none
  [[ $manifest == "$DONE" ]] || wrong_with "manifest.json has $manifest points as done, the journal $DONE"
}

# Compares raw/, agg_* and the files that the benchmarks wrote with the bytes in the journal.
check_results() {
  local name sum file found count=0
  rm -rf -- "$WORK/results" && mkdir -- "$WORK/results"
  rows "SELECT writefile('$WORK/results/' || rowid, raw) FROM results WHERE accepted" >/dev/null
  sed -n 's/.* result \([^ ]*\) [^ ]* [^ ]* \([0-9a-f]*\)$/\2 \1/p' "$WORK/ran/ran.log" | sort -u >"$WORK/sums-ran"
  (cd "$WORK/results" && sha256sum -- *) | awk '{ print $1 }' | sort >"$WORK/sums-journal"
  (cd "$OUT/raw" && sha256sum -- *.json 2>/dev/null) | awk '{ print $1 }' | sort >"$WORK/sums-raw"
  count=$(join -v 1 "$WORK/sums-journal" "$WORK/sums-ran" | wc -l)
  ((count == 0)) || wrong_with "$count results in the journal differ from every result that a benchmark wrote completely"
  cmp -s "$WORK/sums-journal" "$WORK/sums-raw" ||
    wrong_with "raw/ differs from the journal: $(comm -3 "$WORK/sums-journal" "$WORK/sums-raw" | wc -l) results"
  # The names of a point's results differ only by node. Each point has its own concurrency and parallelism.
  AGG=$(find "$OUT" -maxdepth 1 -name 'agg_*_conc*.json' | wc -l)
  found=$(join "$WORK/sums-journal" "$WORK/sums-ran" | awk '{ print $2 }' | sort)
  for name in $found; do
    file=$OUT/agg_$name.json
    [[ -s $file ]] || wrong_with "there is no agg_$name.json"
  done
  if ((AGG > DONE)); then
    DUPLICATED=$((DUPLICATED + AGG - DONE))
    wrong_with "$AGG agg files for $DONE points"
  fi
  sum=$(jq length "$OUT/agg_dsr1_1k1k.json" 2>/dev/null) || sum=none
  [[ $sum == "$DONE" ]] || wrong_with "agg_dsr1_1k1k.json has $sum entries"
}

# Checks that each point that was printed as done is in the journal and was printed only once. Parallelism and
# concurrency identify a point.
check_printed() {
  local twice missing
  cat -- "$WORK"/srun/*.out "$WORK"/srun/*.err |
    sed -n 's/^\[[0-9:]*\] *[0-9]*\/[0-9]* \(done\|recovered\) .* \(tp[0-9]* conc[0-9]*\) on n[0-9].*$/\2/p' | sort >"$WORK/printed"
  rows "SELECT 'tp' || json_extract(entry, '\$.tp') || ' conc' || json_extract(entry, '\$.conc') FROM points
    WHERE id IN (SELECT point FROM results WHERE accepted)" | sort >"$WORK/in-journal"
  PRINTED=$(wc -l <"$WORK/printed")
  twice=$(uniq -d "$WORK/printed" | wc -l)
  if ((twice > 0)); then
    LOST=$((LOST + twice))
    wrong_with "$twice points were acknowledged more than once: $(uniq -d "$WORK/printed" | head -n 3 | tr '\n' ';')"
  fi
  missing=$(uniq "$WORK/printed" | comm -23 - "$WORK/in-journal" | wc -l)
  ((missing == 0)) || wrong_with "$missing acknowledged points have no result in the journal"
}

check_left_behind() {
  local left=$((4 * (AWAY + 30))) mounts
  while [[ -n $(everything) ]] && ((left-- > 0)); do sleep 0.25; done
  mapfile -t left < <(everything)
  if ((${#left[@]} > 0)); then
    wrong_with "processes are still running: ${left[*]}"
    ps -o pid,ppid,stat,etimes,args -p "$(IFS=,; echo "${left[*]}")" | cut -c1-200 || true
  fi
  [[ -z $(our_rules) ]] || wrong_with "firewall rules were not removed"
  mounts=$(find "$WORK/spool" -type f -name '*.result' 2>/dev/null | wc -l)
  printf 'chaos: %s results are left in the spool\n' "$mounts"
}

show_failure() {
  local file
  printf -- '--- faults\n'
  tail -n 25 -- "$FAULTS"
  printf -- '--- driver\n'
  tail -n 15 -- "$WORK/driver.log"
  file=$OUT/logs/controller.log
  [[ ! -s $file ]] || { printf -- '--- %s\n' "$file"; tail -n 25 -- "$file"; }
}

verdict() {
  local status=0
  set +e # a check that fails to run must not end the script
  DONE=0 LOST=0 DUPLICATED=0 PRINTED=0
  wait "$DRIVER" || wrong_with "the driver did not complete the sweep"
  DRIVER=
  check_left_behind
  # The end of the sweep may have been interrupted. Write the files again from the journal, as a user would.
  user timeout 60 "$CLUSTER/install/bin/sweepctl" aggregate "$OUT" >"$WORK/aggregate.out" 2>&1 ||
    wrong_with "sweepctl aggregate: $(tail -n 1 "$WORK/aggregate.out")"
  if copy_journal; then
    check_journal
    check_results
    check_printed
  fi
  LOST=$((LOST + POINTS - DONE))
  local faults starts results
  faults=$(fault_count)
  ((faults >= MIN_FAULTS)) || wrong_with "only $faults faults, expected at least $MIN_FAULTS"
  starts=$(grep -c ' start ' "$WORK/ran/ran.log" || true)
  results=$(grep -c ' result ' "$WORK/ran/ran.log" || true)
  awk '/  fault  / { ++n[$3] } END { for (k in n) printf "chaos: %4d %s\n", n[k], k }' "$FAULTS" | sort -k3
  printf 'chaos: %s sruns, %s benchmarks started, %s results written by them, %s printed as done\n' \
    "$(find "$WORK/srun" -name '*.err' | wc -l)" "$starts" "$results" "$PRINTED"
  [[ ! -s $WORK/oddities.log ]] || sed 's/^/chaos: odd: /' "$WORK/oddities.log"
  if ((${#WRONG[@]} > 0)); then
    status=1
    show_failure
    printf 'chaos: WRONG: %s\n' "${WRONG[@]}"
  fi
  LAST_LINE="points=$POINTS done=$DONE lost=$LOST duplicated=$DUPLICATED faults=$faults seconds=$((SECONDS - BEGAN))"
  exit "$status"
}
