[
"serve*2.21.02unknown?
8
pImmutableConst*#
memory_region_name/etc/passwd"Ú