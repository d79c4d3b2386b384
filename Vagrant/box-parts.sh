# shellcheck shell=bash
# shellcheck disable=SC2016 # hooks are expanded by mmdebstrap's shell
# SPDX-License-Identifier: Apache-2.0
# What boxes and images have in common; read by make-box and make-docker-image, whose directory for scratch is $work.
SUITE=${SUITE:-bookworm}
MIRROR=${MIRROR:-}

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "$(basename "$0"): $program is missing; install it" >&2; exit 1; }
  done
}

# The public halves of the keys that Vagrant opens every new machine with.
authorized_keys() { # FILE
  local home=${VAGRANT_HOME:-$HOME/.vagrant.d} key
  for key in "$home"/insecure_private_key "$home"/insecure_private_keys/*; do
    [[ ! -f $key ]] || { install -m 600 "$key" "$1.private" && ssh-keygen -y -f "$1.private" >>"$1"; }
  done
  rm -f "$1.private"
  [[ -s $1 ]] || { echo "$(basename "$0"): no insecure_private_key in $home: run \`vagrant global-status\` once" >&2; exit 1; }
}

# debian TAR PACKAGES mmdebstrap's further arguments…: a root file system with sshd, the user vagrant, and what coracle needs.
debian() {
  local tar=$1 packages=openssh-server,sudo,iproute2,iputils-ping,procps,ca-certificates,curl,rsync,libsqlite3-0
  [[ -z $2 ]] || packages+=,$2
  shift 2
  local keys=${work:?}/authorized_keys
  mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt='Apt::Install-Recommends "false"' \
    --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash vagrant' \
    --customize-hook='chroot "$1" usermod --password "*" vagrant' \
    --customize-hook='echo "vagrant ALL=(ALL) NOPASSWD:ALL" >"$1/etc/sudoers.d/vagrant"' \
    --customize-hook='chroot "$1" install -d -m 700 -o vagrant -g vagrant /home/vagrant/.ssh' \
    --customize-hook="upload '$keys' /home/vagrant/.ssh/authorized_keys" \
    --customize-hook='chroot "$1" chown vagrant:vagrant /home/vagrant/.ssh/authorized_keys' \
    --customize-hook='chmod 600 "$1/home/vagrant/.ssh/authorized_keys"' \
    --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*_key*; : >"$1/etc/machine-id"' \
    --customize-hook='printf "UseDNS no\nAcceptEnv LANG\n" >"$1/etc/ssh/sshd_config.d/vagrant.conf"' \
    "$@" "$SUITE" "$tar" ${MIRROR:+"$MIRROR"}
}
