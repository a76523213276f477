# Sysinternals' NotMyFault, which images may bring; the status 127 says that this one does not.

$tool = 'C:\ProgramData\labctl\tools\notmyfault64.exe'
if (-not (Test-Path $tool)) { exit 127 }
& $tool -accepteula -bugcheck 0xE2
