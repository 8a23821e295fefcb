#!/bin/sh
# Make the secrets that compose.yaml asks for: random, each in a file of deploy/secrets, whose folder is yours alone.
# What is there already stays. Keep a copy of gallery_key where neither the database nor its backups are.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
for name in gallery_key database_password database_admin_password; do
    if [ ! -e "secrets/$name" ]; then
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "secrets/$name"
        chmod 0444 "secrets/$name"  # the user of a container has another number than you; the folder keeps others out
        echo "made deploy/secrets/$name"
    fi
done
