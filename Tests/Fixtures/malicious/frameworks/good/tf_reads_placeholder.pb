f
"serve*2.21.02unknownJ

xPlaceholder*
dtype0

rReadFilex

d
DecodeJpegr"Ú