# shellcheck shell=bash
# shellcheck disable=SC2016 # hooks are expanded by mmdebstrap's shell
# SPDX-License-Identifier: Apache-2.0
# What boxes and images have in common; read by make-box, make-docker-image and deploy/make-image, whose directory for scratch
# is $work.
SUITE=${SUITE:-bookworm}
MIRROR=${MIRROR:-}
PATH=$PATH:/usr/sbin:/sbin

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "$(basename "$0"): $program is missing; install it" >&2; exit 1; }
  done
}

# The public halves of the keys that Vagrant opens every new machine with.
authorized_keys() { # FILE
  local home=${VAGRANT_HOME:-$HOME/.vagrant.d} key
  # Vagrant puts them there when it runs for the first time.
  if [[ ! -e $home/insecure_private_key ]] && command -v vagrant >/dev/null; then vagrant global-status >/dev/null; fi
  for key in "$home"/insecure_private_key "$home"/insecure_private_keys/*; do
    [[ ! -f $key ]] || { install -m 600 "$key" "$1.private" && ssh-keygen -y -f "$1.private" >>"$1"; }
  done
  rm -f "$1.private"
  [[ -s $1 ]] || { echo "$(basename "$0"): no insecure_private_key in $home: install vagrant, which makes it" >&2; exit 1; }
}

# debian TAR PACKAGES mmdebstrap's further arguments…: a root file system with sshd and what coracle needs.
debian() {
  local tar=$1 packages=openssh-server,sudo,iproute2,iputils-ping,procps,ca-certificates,curl,libsqlite3-0
  [[ -z $2 ]] || packages+=,$2
  shift 2
  mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt='Apt::Install-Recommends "false"' \
    --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*_key*; : >"$1/etc/machine-id"' \
    "$@" "$SUITE" "$tar" ${MIRROR:+"$MIRROR"}
}

# The user that Vagrant comes as, with the keys in $work/authorized_keys.
vagrant_user=(
  --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash vagrant'
  --customize-hook='chroot "$1" usermod --password "*" vagrant'
  --customize-hook='echo "vagrant ALL=(ALL) NOPASSWD:ALL" >"$1/etc/sudoers.d/vagrant"'
  --customize-hook='chroot "$1" install -d -m 700 -o vagrant -g vagrant /home/vagrant/.ssh'
  --customize-hook="upload '${work:?}/authorized_keys' /home/vagrant/.ssh/authorized_keys"
  --customize-hook='chroot "$1" chown vagrant:vagrant /home/vagrant/.ssh/authorized_keys'
  --customize-hook='chmod 600 "$1/home/vagrant/.ssh/authorized_keys"'
  --customize-hook='printf "UseDNS no\n" >"$1/etc/ssh/sshd_config.d/vagrant.conf"'
)

# Disks that boot by themselves.

boot_mib=160
disk_packages=systemd,systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64,initramfs-tools
# The name of the network file sorts after Vagrant's own 50-vagrant-…, or DHCP would take the private address's interface.
disk_hooks=(
  --customize-hook='printf "LABEL=machine-root / ext4 defaults 0 1\n" >"$1/etc/fstab"'
  --customize-hook='printf "[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n[DHCPv4]\nClientIdentifier=mac\n" >"$1/etc/systemd/network/90-dhcp.network"'
  --customize-hook='chroot "$1" systemctl enable --quiet systemd-networkd'
  --customize-hook='printf "[Unit]\nDescription=keys of this machine for sshd\nBefore=ssh.service\n[Service]\nType=oneshot\nExecStart=/usr/bin/ssh-keygen -A\n[Install]\nWantedBy=ssh.service\n" >"$1/etc/systemd/system/ssh-keys.service"'
  --customize-hook='chroot "$1" systemctl enable --quiet ssh-keys'
)

need_for_disks() {
  need mmdebstrap mke2fs syslinux mcopy mkfs.vfat sfdisk
  local candidate
  for candidate in /usr/lib/syslinux/mbr/mbr.bin /usr/lib/SYSLINUX/mbr.bin /usr/share/syslinux/mbr.bin; do
    [[ ! -e $candidate ]] || mbr=$candidate
  done
  [[ -n ${mbr:-} ]] || { echo "$(basename "$0"): no mbr.bin of syslinux (Debian: syslinux-common)" >&2; exit 1; }
}

# bootable_disk TAR DISK MIB: a raw disk of a root file system, put together without mounting anything.
bootable_disk() {
  local tar=$1 disk=$2 mib=$3 root=$work/root
  mkdir "$root"
  tar -xf "$tar" -C "$root" --exclude='./dev/*'
  truncate -s "${mib}M" "$disk"
  sfdisk --quiet "$disk" <<TABLE
label: dos
start=1MiB, size=${boot_mib}MiB, type=c, bootable
start=$((boot_mib + 1))MiB, type=83
TABLE
  dd if="$mbr" of="$disk" bs=440 count=1 conv=notrunc status=none

  local boot=$work/boot
  truncate -s "${boot_mib}M" "$boot"
  mkfs.vfat -n BOOT "$boot" >/dev/null
  printf '%s\n' 'DEFAULT debian' 'TIMEOUT 1' 'LABEL debian' '  KERNEL vmlinuz' '  INITRD initrd.img' \
    '  APPEND root=LABEL=machine-root rw console=tty0 console=ttyS0 net.ifnames=0 apparmor=0 quiet' >"$work/syslinux.cfg"
  mcopy -i "$boot" "$root"/boot/vmlinuz-* ::vmlinuz
  mcopy -i "$boot" "$root"/boot/initrd.img-* ::initrd.img
  mcopy -i "$boot" "$work/syslinux.cfg" ::syslinux.cfg
  syslinux --install "$boot"
  dd if="$boot" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none

  mke2fs -q -t ext4 -L machine-root -d "$root" "$work/root.ext4" "$((mib - boot_mib - 2))M" >/dev/null
  dd if="$work/root.ext4" of="$disk" bs=1M seek=$((boot_mib + 1)) conv=notrunc,sparse status=none
  rm -rf "$root" "$boot" "$work/root.ext4"
}
