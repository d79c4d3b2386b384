#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# User-data for the machines of a coracle cluster, on any cloud that takes user-data, and a call of your own for each of them.
usage() {
  cat <<'TEXT'
any-cloud.sh --out DIR (--discovery URL | --seed URL) [options]

Writes DIR/NAME.user-data for every machine, and with --create calls COMMAND NAME FILE for each that was not made yet.
Run it again with more workers to add some: machines, and the token, are kept in DIR.

  --out DIR             where user-data, the token and the marks of what was made are kept
  --discovery URL       a discovery URL of a token of that size, from `coracle cluster discovery new --size N`
  --seed URL            or: a coracle (or etcd v2) client URL, such as http://10.0.0.9:2379, that is asked for a token, once
  --members N           members of the store, 1 to 9, best an odd number (default 3)
  --workers N           machines that only run units (default 0)
  --prefix NAME         names are NAME-member-1…, NAME-worker-1… (default coracle)
  --address private|public  the address by which machines reach each other (default private)
  --metadata K=V,…      metadata of the workers; members have role=store beside it
  --agent-ttl TIME      silence after which a machine counts as lost (default 30s)
  --package-url URL     for images without coracle: cloud-init installs this .deb; needs --package-sha256
  --package-sha256 HEX  the only package that is installed
  --create COMMAND      a program, called with NAME and FILE; it makes the machine, or fails
TEXT
}
set -euo pipefail

fail() { echo "any-cloud.sh: $*" >&2; exit 1; }
misuse() { echo "any-cloud.sh: $* (--help tells more)" >&2; exit 2; }

out='' discovery='' seed='' members=3 workers=0 prefix=coracle address=private metadata='' agent_ttl=30s
package_url='' package_sha256='' create=''
while (($#)); do
  option=$1
  case $option in
    --help | -h) usage; exit 0 ;;
    --out | --discovery | --seed | --members | --workers | --prefix | --address | --metadata | --agent-ttl | --package-url | \
      --package-sha256 | --create)
      (($# > 1)) || misuse "$option needs a value"
      name=${option#--}
      printf -v "${name//-/_}" %s "$2"
      shift 2
      ;;
    *) misuse "unknown option $option" ;;
  esac
done

# matches VALUE PATTERN OPTION WHAT
matches() { [[ $1 =~ ^($2)$ ]] || misuse "$3: \"$1\" is not $4"; }
url='https?://[^ '\''"$\`#<>]+'
[[ -n $out ]] || misuse "--out is missing"
[[ -z $discovery || -z $seed ]] || misuse "--discovery and --seed exclude each other"
[[ -z $discovery ]] || matches "$discovery" "$url" --discovery "a URL"
[[ -z $seed ]] || matches "$seed" "$url" --seed "a URL"
matches "$members" '[1-9]' --members "a number from 1 to 9"
matches "$workers" '0|[1-9][0-9]{0,3}' --workers "a number from 0 to 9999"
matches "$prefix" '[a-z0-9][a-z0-9-]{0,40}' --prefix "the beginning of a host name"
matches "$address" 'private|public' --address "private or public"
matches "$metadata" '([A-Za-z0-9_.-]+=[A-Za-z0-9_./-]*(,[A-Za-z0-9_.-]+=[A-Za-z0-9_./-]*)*)?' --metadata "of the form key=value,key=value"
matches "$agent_ttl" '[0-9]+(ms|s|m)' --agent-ttl "a time such as 30s"
if [[ -n $package_url ]]; then
  matches "$package_url" "$url" --package-url "a URL"
  matches "$package_sha256" '[0-9a-f]{64}' --package-sha256 "the 64 hex digits that sha256sum prints"
fi
mkdir -p "$out" || fail "cannot make $out"

# The token is asked for once: it is used up by the first members that register under it.
token() {
  local kept=$out/discovery-url
  if [[ -s $kept ]]; then
    local before size
    read -r size before <"$kept"
    [[ -z $discovery || $discovery == "$before" ]] || fail "the machines in $out have the token $before; use another --out"
    [[ $size == "$members" ]] || fail "the token in $out is for $size members, not $members; add members by \`coracle cluster members\`"
    discovery=$before
    return
  fi
  if [[ -n $seed ]]; then
    discovery=$(curl -fsS --max-time 30 "${seed%/}/discovery/new?size=$members") \
      || fail "$seed gives no token: is a coracle there, and reached from here?"
    discovery=${discovery//[$'\r\n']/}
    [[ $discovery =~ ^$url$ ]] || fail "$seed answers with what is no discovery URL"
  fi
  [[ -n $discovery ]] || misuse "one of --discovery and --seed is needed"
  echo "$members $discovery" >"$kept.new"
  mv "$kept.new" "$kept"
}

cloud_config() { # NAME ROLE
  local reached="\$${address}_ipv4" words=$metadata proxy=''
  if [[ $2 == member ]]; then words=role=store${metadata:+,$metadata}; else proxy=$'\n    proxy: on'; fi
  cat <<YAML
#cloud-config
coreos:
  etcd2:
    name: $1$proxy
    discovery: $discovery
    advertise-client-urls: http://$reached:2379
    initial-advertise-peer-urls: http://$reached:2380
    listen-client-urls: http://0.0.0.0:2379
    listen-peer-urls: http://0.0.0.0:2380
  fleet:
    public-ip: $reached
    metadata: "$words"
    agent-ttl: $agent_ttl
  units:
    - name: etcd2.service
      command: start
    - name: fleet.service
      command: start
coracle:
  registrator: { enabled: true, prefix: /services, ip: $reached, ttl: 60 }
YAML
}

# The same steps as in cloudformation.yaml.
first_boot() { # the cloud-config on standard input
  cat <<SCRIPT
#!/bin/bash
# First boot, run by cloud-init: the cloud-config put in place, coracle installed and started.
set -euo pipefail
install -d /etc/coracle
cat >/etc/coracle/cloud-config.yaml <<'CLOUD_CONFIG'
$(cat)
CLOUD_CONFIG
if ! command -v coracle >/dev/null; then
  file=/var/cache/coracle.deb
  for try in 1 2 3 4 5 6 7 8 9 10; do
    if command -v curl >/dev/null; then curl -fsSL -o \$file '$package_url' && break; fi
    if command -v wget >/dev/null; then wget -q -O \$file '$package_url' && break; fi
    sleep 6
  done
  echo "$package_sha256  \$file" | sha256sum --check --quiet
  export DEBIAN_FRONTEND=noninteractive
  apt="apt-get -o DPkg::Lock::Timeout=300 -qq"
  # What the package needs is there as a rule; else it is looked for.
  \$apt install -y \$file || { \$apt update && \$apt install -y \$file; }
fi
systemctl enable coracle
systemctl start --no-block coracle
SCRIPT
}

machine() { # NAME ROLE
  local file=$out/$1.user-data
  # What a machine was made from is not written again.
  [[ ! -e $out/$1.made ]] || return 0
  if [[ -n $package_url ]]; then
    cloud_config "$1" "$2" | first_boot >"$file.new"
  else
    cloud_config "$1" "$2" >"$file.new"
  fi
  mv "$file.new" "$file"
  if [[ -n $create ]]; then
    echo "$create $1 $file"
    "$create" "$1" "$file" </dev/null || fail "$create failed for $1; what was made before stays, and is passed over next time"
    touch "$out/$1.made"
  else
    echo "$file"
  fi
}

token
for ((number = 1; number <= members; number++)); do machine "$prefix-member-$number" member; done
for ((number = 1; number <= workers; number++)); do machine "$prefix-worker-$number" worker; done
