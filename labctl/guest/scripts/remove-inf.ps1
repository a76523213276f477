# Finds the published name of what was installed from the package. The images are English, and so is pnputil.

$folder = 'C:\ProgramData\labctl\package'
$own = @(Get-ChildItem -Recurse $folder -Filter *.inf | ForEach-Object { $_.Name })
$published = ''
foreach ($line in @(pnputil.exe /enum-drivers)) {
  if ($line -match '^Published Name: *(oem[0-9]+[.]inf)') { $published = $Matches[1] }
  if ($line -match '^Original Name: *(.*)$' -and $own -contains $Matches[1].Trim()) {
    pnputil.exe /delete-driver $published /uninstall /force
    if (0, 3010 -notcontains $LASTEXITCODE) { exit 1 }
  }
}
