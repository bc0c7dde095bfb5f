U
"serve*2.21.02unknown9

xPlaceholder*
dtype0

pEagerPyFuncx"Ú