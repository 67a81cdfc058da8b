/** In single quotes for a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The shell script that ends a demo: stops its daemons, known by pid and start time, or by their command line if the
 * demo was killed before it could note them down; unmounts, detaches loop
 * devices, and removes the directory, itself included. The demo ends by it as well, so it is always tried out.
 */
export function stopScript(directory: string): string {
  return `#!/bin/sh
# Stops the daemons of this demo, and removes its filesystems and files. It may be run again.
dir=${quote(directory)}

# start_time PID: when the process was started; nothing if it is gone, or waits for its parent to notice.
start_time() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # Field 22; the second is in parentheses and may hold spaces.
  set -- \${stat##*) }
  [ "$1" = Z ] || echo "\${20}"
}

# unnoted: the pids of daemons that run with a config of this demo, noted down or not.
unnoted() {
  grep -lszF -- "$dir/" /proc/[0-9]*/cmdline | while read -r file; do
    grep -qszF /config.toml "$file" && grep -qszF icbdrepd "$file" || continue
    file=\${file%/cmdline}
    echo "\${file#/proc/}"
  done
}

# signal NAME: to each daemon that runs; fails if none does.
signal() {
  result=1
  for file in "$dir"/pids/*; do
    [ -f "$file" ] || continue
    read -r pid started <"$file"
    [ "$(start_time "$pid")" = "$started" ] || continue
    result=0
    kill -s "$1" "$pid" 2>/dev/null
  done
  for pid in $(unnoted); do
    result=0
    kill -s "$1" "$pid" 2>/dev/null
  done
  return $result
}

# until_gone TENTHS: waits until no daemon runs; fails if one still does.
until_gone() {
  left=$1
  while signal 0; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    sleep 0.1
  done
}

if signal TERM && ! until_gone 80; then
  signal KILL
  until_gone 30
fi

for mounted in "$dir"/*/mnt; do
  left=50
  while mountpoint -q "$mounted" && [ "$left" -gt 0 ]; do
    umount "$mounted" 2>/dev/null && continue
    left=$((left - 1))
    sleep 0.1
  done
  if mountpoint -q "$mounted"; then umount --lazy "$mounted"; fi
done
for image in "$dir"/*/btrfs.img; do
  [ -f "$image" ] || continue
  losetup --associated "$image" --noheadings --output NAME | while read -r device; do
    losetup --detach "$device"
  done
done
for mounted in "$dir"/*/mnt; do
  if mountpoint -q "$mounted"; then
    echo "$mounted is still mounted: try again" >&2
    exit 1
  fi
done
rm -rf -- "$dir"
`;
}
