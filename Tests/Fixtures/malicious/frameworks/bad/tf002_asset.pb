^
"serve*2.21.02unknown$

xPlaceholder*
dtype0"Ú2

a:0../../../etc/passwd