#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Docker Engine of one's own, beside any other on this computer. Needs root, dockerd, containerd, runc, iptables, curl.
#
#   start-dockerd.sh start DIR [--private-net]   start one with all its state in DIR, wait until it answers, print its URL
#   start-dockerd.sh import DIR NAME[:TAG]...     make images of that name out of busybox-static
#   start-dockerd.sh pid DIR                      print its process id
#   start-dockerd.sh enter DIR COMMAND...         run a command in its network (where published ports are with --private-net)
#   start-dockerd.sh stop DIR                     stop it with its containers, by process id
#
# Two engines in one network would fight for docker0 and its addresses: each but one needs --private-net, a network
# namespace that holds nothing but the engine. The socket, DIR/docker.sock, is reached from everywhere; DIR should be
# short, since a socket's path has 107 bytes at most.
set -eu
verb=${1:?start, import, pid, enter or stop}
dir=${2:?the state directory}
shift 2
socket=$dir/docker.sock

ask() { curl --silent --show-error --fail --max-time 60 --unix-socket "$socket" "$@"; }

alive() { [ -s "$dir/dockerd.pid" ] && kill -0 "$(cat "$dir/dockerd.pid")" 2>/dev/null; }

start() {
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  socket=$dir/docker.sock
  if alive; then echo "unix://$socket"; return; fi
  rm -f "$dir/dockerd.pid" "$socket"
  local arguments=(--data-root "$dir/root" --exec-root "$dir/exec" -H "unix://$socket" --pidfile "$dir/dockerd.pid")
  if [ "${1:-}" = --private-net ]; then
    setsid unshare --net sh -c 'ip link set lo up; exec dockerd "$@"' dockerd "${arguments[@]}" \
      >"$dir/dockerd.log" 2>&1 </dev/null &
  else
    setsid dockerd "${arguments[@]}" >"$dir/dockerd.log" 2>&1 </dev/null &
  fi
  local child=$!
  for _ in $(seq 300); do
    if ask http://docker/_ping >/dev/null 2>&1; then echo "unix://$socket"; return; fi
    kill -0 "$child" 2>/dev/null || break
    sleep 0.1
  done
  echo "dockerd did not come up; the end of $dir/dockerd.log:" >&2
  tail -n 20 "$dir/dockerd.log" >&2
  kill "$child" 2>/dev/null || true
  exit 1
}

import() {
  local rootfs
  rootfs=$(mktemp -d)
  mkdir -p "$rootfs/bin" "$rootfs/etc" "$rootfs/tmp" "$rootfs/var/www"
  cp "$(command -v busybox)" "$rootfs/bin/busybox"
  for applet in $("$rootfs/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$rootfs/bin/$applet"
  done
  printf 'root:x:0:0:root:/:/bin/sh\n' >"$rootfs/etc/passwd"
  tar -C "$rootfs" -cf "$dir/busybox.tar" .
  rm -rf "$rootfs"
  # CHANGES: Dockerfile instructions, one a line, such as CHANGES=$'EXPOSE 80\nCMD ["httpd", "-f"]'.
  # Docker's own busybox has the command sh; the last CMD counts.
  local changes="&changes=CMD%20sh" change
  while IFS= read -r change; do
    [ -z "$change" ] || changes+="&changes=$(printf %s "$change" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')"
  done <<<"${CHANGES:-}"
  for name in "$@"; do
    local tag=latest
    case ${name##*/} in *:*) tag=${name##*:} name=${name%:*} ;; esac
    ask --request POST --header 'Content-Type: application/x-tar' --upload-file "$dir/busybox.tar" \
      "http://docker/images/create?fromSrc=-&repo=$name&tag=$tag$changes" >/dev/null
  done
  rm -f "$dir/busybox.tar"
}

stop() {
  if alive; then end "$(cat "$dir/dockerd.pid")"; fi
  # The namespace of containers on the host's network stays mounted when the engine has ended.
  awk -v dir="$(cd "$dir" && pwd)/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
}

end() {
  kill "$1"
  for _ in $(seq 300); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$1"
}

case $verb in
  start) start "$@" ;;
  import) import "$@" ;;
  pid) cat "$dir/dockerd.pid" ;;
  enter) exec nsenter --target "$(cat "$dir/dockerd.pid")" --net "$@" ;;
  stop) stop ;;
  *) echo "unknown verb $verb" >&2; exit 2 ;;
esac
