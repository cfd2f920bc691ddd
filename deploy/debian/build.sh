#!/bin/sh
# Makes dynmcp_VERSION_ARCH.deb of a binary: deploy/debian/build.sh target/dist/dynmcp [FOLDER]
# Needs dpkg-dev, and a binary that runs here: it writes its own manual pages and completions.
set -eu
binary=$(realpath "$1")
folder=$(realpath "${2:-.}")
here=$(realpath "$(dirname "$0")")
version=$("$binary" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
umask 022
put() { # MODE SOURCE TARGET
    install -D -m "$1" "$2" "$root/$3"
}

install -D -m 755 --strip "$binary" "$root/usr/bin/dynmcp"
put 644 "$here/../systemd/dynmcp.service" usr/lib/systemd/system/dynmcp.service
put 644 "$here/dynmcp.toml" etc/dynmcp/dynmcp.toml
put 644 "$here/../../LICENSE" usr/share/doc/dynmcp/copyright
"$binary" config default >"$work/default.toml"
put 644 "$work/default.toml" usr/share/doc/dynmcp/default.toml
gzip -9nc "$here/../../CHANGELOG.md" >"$work/changelog.gz"
put 644 "$work/changelog.gz" usr/share/doc/dynmcp/changelog.gz

mkdir "$work/manual"
"$binary" manual "$work/manual" >"$work/said"
gzip -9n "$work"/manual/*
for page in "$work"/manual/*; do
    put 644 "$page" "usr/share/man/man1/$(basename "$page")"
done
for shell in bash:usr/share/bash-completion/completions/dynmcp zsh:usr/share/zsh/vendor-completions/_dynmcp fish:usr/share/fish/vendor_completions.d/dynmcp.fish; do
    "$binary" completions "${shell%%:*}" >"$work/completions"
    put 644 "$work/completions" "${shell#*:}"
done

# What the binary is linked with decides what the package needs.
mkdir "$work/debian"
printf 'Source: dynmcp\n\nPackage: dynmcp\nArchitecture: any\n' >"$work/debian/control"
needs=$(cd "$work" && dpkg-shlibdeps -O "$root/usr/bin/dynmcp" 2>"$work/said" | sed -n 's/^shlibs:Depends=//p')
[ -n "$needs" ] || { cat "$work/said" >&2; exit 1; }

mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: dynmcp
Version: $version
Architecture: $architecture
Maintainer: DynMCP <maintainers@dynmcp.example>
Installed-Size: $(du -ks "$root" | cut -f1)
Depends: $needs, ca-certificates
Section: net
Priority: optional
Homepage: https://github.com/dynmcp/dynmcp
Description: gateway for the Model Context Protocol
 HTTP APIs become tools and other MCP servers upstreams, by definitions in a
 store that you already run: etcd, MySQL, PostgreSQL, SQLite or files. A change
 is live at once on every replica.
CONTROL
echo /etc/dynmcp/dynmcp.toml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 755 "$here/$script" "$root/DEBIAN/$script"
done
dpkg-deb --root-owner-group --build "$root" "$folder/dynmcp_${version}_${architecture}.deb"
