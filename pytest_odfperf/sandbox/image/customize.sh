#!/bin/sh
# Makes a fresh Debian tree ($1) a guest that answers SSH soon: runs on the host, as (namespace) root.
#
# cloud-init is the real one. It runs once, as its local stage, instead of as four stages with a Python start
# each; the seed says dsmode local for that. Everything that a guest of minutes does not need is masked.
set -eu
root=$1
in_root() { chroot "$root" "$@"; }

# The kernel without its package: no initramfs, no boot loader. ext4 and NVMe are built in.
# Not in /tmp: the tree's owner cleans that.
mkdir -p "$root/var/cache/kernel"
kernel=$(in_root apt-cache depends linux-image-cloud-amd64 | sed -n 's/ *Depends: //p')
in_root sh -c "cd /var/cache/kernel && apt-get -o APT::Sandbox::User=root download $kernel" >&2
in_root sh -c 'dpkg-deb --fsys-tarfile /var/cache/kernel/*.deb |
    tar -x -C / --keep-directory-symlink ./lib/modules ./boot'
rm -rf "$root/var/cache/kernel"
version=$(basename "$root"/usr/lib/modules/*)
mv "$root/boot/vmlinuz-$version" "$root/boot/vmlinuz"
in_root depmod "$version"
kept=$(for module in virtio_pci virtio_net virtio_blk virtio_rng xfs vfat nls_ascii nls_cp437 nls_utf8 isofs; do
    in_root modprobe -S "$version" --show-depends "$module"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u)
find "$root/usr/lib/modules/$version/kernel" -name '*.ko' | while read -r file; do
    path=${file#"$root"}
    case "$kept" in *"${path#/usr}"*) ;; *) rm "$file" ;; esac
done
in_root depmod "$version"

cat >"$root/etc/cloud/cloud.cfg" <<'CFG'
datasource_list: [NoCloud]
disable_root: true
preserve_hostname: false
manage_etc_hosts: localhost
network: {config: disabled}
apt: {preserve_sources_list: true}
cloud_init_modules: [bootcmd, write-files, set_hostname, update_etc_hosts, users-groups, ssh, set-passwords, runcmd, scripts-user]
cloud_config_modules: []
cloud_final_modules: [package-update-upgrade-install]
output: {all: '| tee -a /var/log/cloud-init-output.log'}
system_info:
  distro: debian
  default_user: {name: debian, lock_passwd: true, shell: /bin/bash, sudo: ["ALL=(ALL) NOPASSWD:ALL"]}
  paths: {cloud_dir: /var/lib/cloud/, templates_dir: /etc/cloud/templates/}
  ssh_svcname: ssh
CFG
cat >"$root/etc/systemd/system/odfperf-network.service" <<'UNIT'
[Unit]
Description=Modules and network of the emulated machine
DefaultDependencies=no
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/modprobe -a virtio_pci virtio_rng virtio_net virtio_blk
ExecStart=/bin/sh -c 'ip link set lo up; ip link set eth0 up; ip address add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2'
UNIT
cat >"$root/etc/systemd/system/odfperf-cloud-init.service" <<'UNIT'
[Unit]
Description=cloud-init in one stage
DefaultDependencies=no
After=systemd-tmpfiles-setup-dev.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/cloud-init init --local
ExecStart=/bin/systemctl start --no-block ssh.service
# Packages come after SSH is up, as on other images.
ExecStart=/bin/sh -c 'if grep -qs "^packages:" /var/lib/cloud/instance/user-data.txt; then cloud-init modules --mode=final; fi'
TimeoutSec=0
UNIT
# cloud-init writes the host key after the users: sshd may start while it goes on.
cat >"$root/etc/systemd/system/odfperf-ssh.path" <<'UNIT'
[Unit]
Description=SSH as soon as there is a host key
DefaultDependencies=no

[Path]
PathExists=/etc/ssh/ssh_host_ed25519_key.pub
Unit=ssh.service
UNIT
mkdir -p "$root/etc/systemd/system/ssh.service.d" "$root/etc/ssh/sshd_config.d"
cat >"$root/etc/systemd/system/ssh.service.d/early.conf" <<'UNIT'
[Unit]
DefaultDependencies=no
After=
After=odfperf-network.service

[Service]
ExecStartPre=
ExecStartPre=/bin/mkdir -p /run/sshd
UNIT
printf 'PasswordAuthentication no\nUseDNS no\nPrintMotd no\nPrintLastLog no\n' >"$root/etc/ssh/sshd_config.d/50-guest.conf"
# PAM stays on, as without it sshd refuses accounts that have no password; what it did is not needed.
for service in sshd sudo; do
    printf 'auth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n' \
        >"$root/etc/pam.d/$service"
done
# A limit of requests per second is exact only if the guest does not merge them.
cat >"$root/etc/udev/rules.d/90-data-disk.rules" <<'RULE'
ACTION=="add|change", SUBSYSTEM=="block", KERNEL=="vd*", ATTR{queue/nomerges}="2", ATTR{queue/scheduler}="none"
RULE
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/init.d/ssh" "$root"/etc/systemd/system/*.wants/* "$root/etc/resolv.conf"
printf 'nameserver 10.0.2.3\n' >"$root/etc/resolv.conf"
: >"$root/etc/fstab"
: >"$root/etc/machine-id"
mkdir -p "$root/etc/systemd/system-generators" "$root/etc/systemd/system/sysinit.target.wants"
for generator in "$root"/usr/lib/systemd/system-generators/*; do
    ln -s /dev/null "$root/etc/systemd/system-generators/${generator##*/}"
done
for unit in odfperf-network.service odfperf-cloud-init.service odfperf-ssh.path; do
    ln -s "../$unit" "$root/etc/systemd/system/sysinit.target.wants/$unit"
done
in_root systemctl mask -q \
    cloud-init-local.service cloud-init.service cloud-config.service cloud-final.service \
    cloud-init-hotplugd.socket systemd-timesyncd.service systemd-logind.service systemd-networkd.service \
    systemd-resolved.service systemd-random-seed.service systemd-update-utmp.service systemd-pstore.service \
    systemd-update-utmp-runlevel.service systemd-user-sessions.service systemd-remount-fs.service \
    systemd-machine-id-commit.service systemd-firstboot.service systemd-sysusers.service systemd-hwdb-update.service \
    systemd-journal-flush.service systemd-journal-catalog-update.service systemd-update-done.service \
    systemd-binfmt.service systemd-repart.service systemd-ask-password-console.path systemd-boot-system-token.service \
    systemd-ask-password-wall.path systemd-initctl.socket systemd-fsck-root.service systemd-rfkill.socket \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount kmod-static-nodes.service \
    modprobe@.service systemd-modules-load.service systemd-sysctl.service e2scrub_reap.service getty.target \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    systemd-tmpfiles-clean.timer systemd-tmpfiles-setup.service remote-fs.target
in_root systemctl set-default -q multi-user.target
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc "$root"/usr/share/man
in_root python3 -m compileall -q /usr/lib/python3 /usr/lib/python3.11 >/dev/null 2>&1 || true
