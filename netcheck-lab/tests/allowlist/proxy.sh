# The published list as the rules of squid at hop 1, which refuses everything else; nothing passes beside it.
# proxy.sh PROGRAMS EDIT: EDIT is what sed does to the list first.
set -e
programs=$1
edit=$2
at() { ip netns exec router1 "$@"; }

at nft 'table inet closed { chain forward { type filter hook forward priority 0; policy drop; }; }'
mkdir "$LAB/squid"
{
  "$programs/netcheck" allowlist --format squid --required-only | sed "$edit"
  cat <<END
http_access deny all
http_port 10.20.0.1:3128
dns_nameservers 10.20.0.1
visible_hostname proxy.corp.example
pid_filename $LAB/squid/pid
cache_log $LAB/squid/log
coredump_dir $LAB/squid
access_log none
netdb_filename none
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
END
} >"$LAB/squid/squid.conf"
# squid refuses to be root: it becomes the user proxy, or somebody else where there is one user only.
as=
if [ "$(awk 'NR == 1 { print $3 }' /proc/self/uid_map)" = 1 ]; then
  as='unshare -U --map-user=13 --map-group=13 --'
else
  chown proxy "$LAB/squid"
fi
at $as squid -N -f "$LAB/squid/squid.conf" >&2 &
until at ss -ltn | grep -q :3128; do kill -0 $!; done

rows='core shortlink ingest cdn analytics charts chat guides studio-live'
"$programs/netcheck" check --tools "$programs" $(printf -- '--row %s ' $rows) --no-controls \
  --proxy http://10.20.0.1:3128 --public-roots "$LAB/roots.pem" --output -
