#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# private-computer.sh ROOT PROGRAM COMMAND…: runs a command on a computer of its own, made of this one's programs and of
# fresh directories for all that is written. It is called in mount, host name, network and process namespaces of its own.
# ROOT is a directory it may use; ROOT/given is /given there, and PROGRAM, wherever it lies, is /given/coracle.
set -e
root=$1
program=$2
shift 2
top=$root/top
mkdir -p "$root/given" "$top"
mount -t tmpfs -o mode=755 private "$top"
for path in /*; do
  name=${path#/}
  if [ -L "$path" ]; then
    ln -s "$(readlink "$path")" "$top/$name"
  elif [ -d "$path" ]; then
    mkdir "$top/$name"
    case $name in
      etc | run | var | home | root | tmp | srv | mnt | media | proc | given) ;;
      *) mount --rbind "$path" "$top/$name" ;;
    esac
  fi
done
mkdir -p "$top/given" "$top/etc/default" "$top/etc/skel" "$top/run" "$top/var" "$top/home" "$top/root" "$top/tmp" "$top/srv" "$top/proc"
chmod 1777 "$top/tmp"
mount -t proc proc "$top/proc"
touch "$root/given/coracle"
mount --bind "$program" "$root/given/coracle"
mount --rbind "$root/given" "$top/given"
# Libraries that lie where this computer's people have their files.
ldd "$program" | sed -n 's/.* => \(\/.*\)\/[^/]* (.*/\1/p' | sort -u | while read -r folder; do
  [ -e "$top$folder" ] || { mkdir -p "$top$folder" && mount --bind "$folder" "$top$folder"; }
done
cp -a /etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d /etc/login.defs /etc/pam.d /etc/security "$top/etc/" 2>/dev/null || true
echo "skeleton" > "$top/etc/skel/.profile"
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' > "$top/etc/nsswitch.conf"
printf 'root:x:0:0:root:/root:/bin/sh\n' > "$top/etc/passwd"
printf 'root:x:0:\nsudo:x:27:\nmail:x:8:\nusers:x:100:\n' > "$top/etc/group"
printf 'root:*:19000:0:99999:7:::\n' > "$top/etc/shadow"
printf 'root:*::\nsudo:*::\nmail:*::\nusers:*::\n' > "$top/etc/gshadow"
chmod 640 "$top/etc/shadow" "$top/etc/gshadow"
hostname original
ip link set lo up
exec chroot "$top" "$@"
