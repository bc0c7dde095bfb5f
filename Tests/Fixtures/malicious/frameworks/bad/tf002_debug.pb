
"serve*2.21.02unknowne

xPlaceholder*
dtype0
?
pDebugIdentityV2x*&

debug_urls
grpc://example.com:1"Ú