

xPlaceholder*
dtype0

pPyFuncx"Ú