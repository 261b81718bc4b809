#!/bin/sh
# In place of ssh, for the hosts of scripts/virtual_hosts.sh.
exec "${0%/*}/virtual_hosts.sh" ssh "$@"
