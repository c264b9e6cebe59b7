# The published list as the rules of the firewall at hop 1, which drops everything else; dnsmasq fills its sets.
# firewall.sh PROGRAMS EDIT: EDIT is what sed does to the list first.
set -e
programs=$1
edit=$2
at() { ip netns exec router1 "$@"; }

"$programs/netcheck" allowlist --format nftables --required-only | sed "$edit" >"$LAB/list.nft"
at nft -f "$LAB/list.nft"
# As the head of the list says it.
at nft 'add chain inet netcheck forward { type filter hook forward priority 0; policy drop; }'
at nft add rule inet netcheck forward jump netcheck_allow

sed -n 's/^# *\(nftset=.*\)/\1/p' "$LAB/list.nft" >"$LAB/dnsmasq.conf"
at dnsmasq --no-daemon --conf-file="$LAB/dnsmasq.conf" --port=5353 --listen-address=10.20.0.1 --bind-interfaces \
  --no-resolv --no-hosts --server=10.20.0.1 --pid-file= 2>"$LAB/dnsmasq.log" &
until at ss -lun | grep -q :5353; do kill -0 $!; done

"$programs/netcheck" check --tools "$programs" --required-only --resolver 10.20.0.1:5353 \
  --public-roots "$LAB/roots.pem" --apple-roots "$LAB/apple.pem" --output -
