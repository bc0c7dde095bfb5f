Y
"serve*2.21.02unknown=

xPlaceholder*
dtype0

pPyFuncStatelessx"Ú