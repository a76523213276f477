# Answers content_sha256=, absent when there is no such file.
# Values: path.

$hash = 'absent'
if (Test-Path $path) { $hash = (Get-FileHash -Algorithm SHA256 $path).Hash.ToLower() }
'content_sha256=' + $hash
