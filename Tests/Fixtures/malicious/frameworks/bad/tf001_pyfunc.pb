P
"serve*2.21.02unknown4

xPlaceholder*
dtype0

pPyFuncx"Ú