# Shared by the scripts: installing what is missing, and a throwaway PostgreSQL.
# shellcheck shell=bash

export PATH="$PATH:$HOME/.cargo/bin"
# Without it programs such as Chromium do not read file names as UTF-8.
export LC_ALL=C.UTF-8

say() { printf '\n== %s\n' "$*"; }

# minutes SECONDS: prints a duration for people.
minutes() {
    if [ "$1" -lt 60 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

postgres_bin() {
    local newest
    newest=$(find /usr/lib/postgresql "$(prefix)/usr/lib/postgresql" -maxdepth 3 -name initdb 2>/dev/null | sort -V | tail -1)
    if [ -n "$newest" ]; then dirname "$newest"; else command -v initdb | xargs -r dirname; fi
}

# Prints the folder where packages are unpacked for users who may not install them. Each release has its
# own, since packages of different releases do not fit together.
prefix() {
    local release
    release=$(. /etc/os-release && echo "${ID:-linux}-${VERSION_ID:-rolling}")
    printf '%s/usms-console/%s' "${XDG_CACHE_HOME:-$HOME/.cache}" "$release"
}

# Runs a command as root, if possible.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }

# bring PACKAGE…: installs Debian packages, or unpacks them below `prefix` without root.
bring() {
    say "Installing $*"
    if may_be_root; then
        if ! apt-cache show "$1" >/dev/null 2>&1 || ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1; then
            as_root apt-get update -qq
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
        fi
    else
        unpack "$@"
    fi
}

# Downloads packages with their dependencies and unpacks them into the user's own folder.
unpack() {
    local to state names deb
    to=$(prefix)
    state="$to/apt"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs"
    local options=(-o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache" -o Debug::NoLocking=1)
    # Older package lists may name versions that the archive no longer has.
    [ -n "$(find "$state/lists" -name '*Packages*' -mtime -1)" ] || apt-get "${options[@]}" update -qq
    # Installed packages are not unpacked in another version: a second C library would not fit its loader.
    names=$(apt-get "${options[@]}" install -s --no-install-recommends "$@" | awk '/^Inst / && $3 !~ /^\[/ {print $2}')
    # shellcheck disable=SC2086
    (cd "$state/debs" && apt-get "${options[@]}" download -qq $names)
    join_lib_folders "$to"
    for deb in "$state/debs"/*.deb; do
        dpkg --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$to"
        rm "$deb"
    done
    adapt "$to"
    use_prefix
}

# Links /lib and the like to those below /usr, as on an installed system: packages of Debian 12 use both.
join_lib_folders() {
    local name
    for name in bin sbin lib lib64; do
        mkdir -p "$1/usr/$name"
        [ -e "$1/$name" ] || ln -s "usr/$name" "$1/$name"
    done
}

# Does what an installation would do besides unpacking, and fixes absolute paths.
adapt() {
    local to=$1
    [ ! -e "$to/usr/bin/gcc" ] || ln -sf gcc "$to/usr/bin/cc"
    # Linker scripts name the parts of the C library by absolute paths. By their names alone they are
    # searched for: the shared ones are the system's, the static ones are here.
    sed -i -E '/^(GROUP|INPUT)/s#/[^ ]*/##g' "$to"/usr/lib/*-linux-gnu/lib[cm].so 2>/dev/null || true
    [ ! -e "$to/usr/bin/chromium" ] || mend_chromium "$to"
}

# Its launcher names its parts by absolute paths.
mend_chromium() {
    sed -i -E "s#(^LIBDIR=|[ (])/(usr/lib|etc/chromium\.d)#\1$1/\2#g" "$1/usr/bin/chromium"
}

# Adds unpacked programs and libraries to the search paths.
use_prefix() {
    local to lib
    to=$(prefix)
    [ -d "$to/usr" ] || return 0
    append PATH "$to/usr/bin"
    for lib in "$to"/usr/lib/*-linux-gnu "$to"/usr/lib/*-linux-gnu/pulseaudio "$to/usr/lib/chromium"; do
        [ ! -d "$lib" ] || append LD_LIBRARY_PATH "$lib"
    done
    [ ! -e "$to/usr/bin/cc" ] || use_unpacked_compiler "$to"
    if [ -d "$to/usr/share/fonts" ]; then
        mkdir -p "$HOME/.local/share/fonts"
        ln -sfn "$to/usr/share/fonts" "$HOME/.local/share/fonts/usms-console"
    fi
}

# The compiler looks for headers and startup files only where they would be installed. Debian 13 brings
# headers of other processors as well: only those of this one may be found.
use_unpacked_compiler() {
    local processor
    processor=$("$1/usr/bin/gcc" -print-multiarch)
    append C_INCLUDE_PATH "$1/usr/include/$processor"
    append C_INCLUDE_PATH "$1/usr/include"
    append LIBRARY_PATH "$1/usr/lib/$processor"
}

# append VARIABLE FOLDER: adds a folder to a search path, unless it is there already.
append() {
    local now=${!1:-}
    case ":$now:" in *":$2:"*) return ;; esac
    export "$1=${now:+$now:}$2"
}

bring_compiler() {
    command -v cargo >/dev/null || { echo "Rust is not installed: see https://rustup.rs" >&2; exit 1; }
    command -v cc >/dev/null || bring gcc libc6-dev
}

bring_postgres() {
    [ -n "$(postgres_bin)" ] || install_postgres
    # The console and the tests find an unpacked PostgreSQL by the search path.
    PATH="$PATH:$(postgres_bin)"
    export PATH
}

install_postgres() {
    if may_be_root; then
        # Otherwise Debian starts a server on the default port.
        as_root mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    bring postgresql
}

bring_chromium() {
    if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
        bring chromium chromium-driver
    fi
    # Without it Chinese is rendered as boxes.
    [ -n "$(find /usr/share/fonts "$(prefix)/usr/share/fonts" -name 'wqy-zenhei*' 2>/dev/null)" ] || bring fonts-wqy-zenhei
}

# bring_python NAME MODULES PACKAGE…: makes the virtual environment target/NAME with packages, unless it
# has the modules already.
bring_python() {
    local at="$PWD/target/$1" modules=$2
    shift 2
    "$at/bin/python" -c "import $modules" 2>/dev/null && return
    command -v python3 >/dev/null || bring python3
    rm -rf "$at"
    if python3 -m venv "$at" >/dev/null 2>&1; then
        "$at/bin/pip" install -q --disable-pip-version-check "$@"
    else
        # Debian has pip in a separate package, and finds it only where it is installed.
        rm -rf "$at"
        python3 -m venv --without-pip "$at"
        "$at/bin/python" "$(bring_pip)" install -q --disable-pip-version-check "$@"
    fi
}

# Prints the path of a pip that any Python can run.
bring_pip() {
    local there
    there=$(pip_wheel)
    if [ -z "$there" ]; then
        bring python3-pip-whl >&2
        there=$(pip_wheel)
    fi
    echo "$there/pip"
}

pip_wheel() {
    find /usr/share/python-wheels "$(prefix)/usr/share/python-wheels" -name 'pip-*.whl' 2>/dev/null | head -1
}

# The vendor's SDK and a mail server, for the tests.
bring_python_sdk() {
    bring_python python 'ucloud, aiosmtpd' ucloud-sdk-python3 aiosmtpd
    export USMS_SDK_PYTHON="$PWD/target/python/bin/python"
}

# Django and a server for it, for the benchmarks.
bring_django() {
    bring_python django 'django, gunicorn, psycopg' 'django>=5.2,<5.3' gunicorn 'psycopg[binary]'
    export USMS_DJANGO_PYTHON="$PWD/target/django/bin/python"
}

# Prints a free port of this machine.
free_port() {
    local port
    while :; do
        port=$(( 20000 + RANDOM % 12000 ))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# Starts a PostgreSQL that runs as long as the script, with the settings in CLUSTER_OPTIONS; the data of
# tests need not survive a crash. Sets CLUSTER_URL (without a database).
CLUSTER_OPTIONS='-c fsync=off -c full_page_writes=off -c synchronous_commit=off'
start_cluster() {
    local bin port
    bin=$(postgres_bin)
    CLUSTER=$(mktemp -d /tmp/usms-test-XXXXXX)
    port=$(free_port)
    AS_POSTGRES=()
    if [ "$(id -u)" = 0 ]; then
        # PostgreSQL refuses to run as root.
        chown postgres "$CLUSTER"
        AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --init-groups --reset-env)
    fi
    CLUSTER_CTL=("${AS_POSTGRES[@]}" "$bin/pg_ctl" -D "$CLUSTER/data")
    trap stop_cluster EXIT
    trap 'exit 130' INT TERM
    (
        cd /
        "${AS_POSTGRES[@]}" "$bin/initdb" -D "$CLUSTER/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
        "${CLUSTER_CTL[@]}" -w -l "$CLUSTER/log" -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$CLUSTER $CLUSTER_OPTIONS -c max_connections=400" start >/dev/null
    )
    CLUSTER_URL="postgres://postgres@127.0.0.1:$port"
    PSQL=("$bin/psql" -q -v ON_ERROR_STOP=1)
}

stop_cluster() {
    (cd / && "${CLUSTER_CTL[@]}" -m immediate stop >/dev/null 2>&1) || true
    rm -rf "$CLUSTER"
}

# Creates a database with all migrations, for the compiler to check queries against. Sets CHECK_URL.
make_check_database() {
    CHECK_URL="$CLUSTER_URL/usms_check"
    "${PSQL[@]}" "$CLUSTER_URL/postgres" -c 'create database usms_check'
    local file
    for file in migrations/*.sql; do "${PSQL[@]}" "$CHECK_URL" -f "$file"; done
}

use_prefix

# Writes the current text of each SQL function of the check database to a file of its name.
write_functions() {
    local name
    rm -rf migrations/functions
    mkdir migrations/functions
    for name in $("${PSQL[@]}" "$CHECK_URL" -At -c "
        select distinct proname from pg_proc p
        where pronamespace = 'public'::regnamespace
          and not exists (select from pg_depend where objid = p.oid and deptype = 'e')"); do
        "${PSQL[@]}" "$CHECK_URL" -At -c "
            select string_agg(pg_get_functiondef(oid), E'\n' order by oid::regprocedure::text)
            from pg_proc where pronamespace = 'public'::regnamespace and proname = '$name'" \
            > "migrations/functions/$name.sql"
    done
}
