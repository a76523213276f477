# Finds the published name of what was installed from the package. pnputil tells it in the language of the system,
# Get-WindowsDriver in none.

$folder = 'C:\ProgramData\labctl\package'
$own = @(Get-ChildItem -Recurse $folder -Filter *.inf | ForEach-Object { $_.Name })
$published = @(Get-WindowsDriver -Online | Where-Object { $own -contains (Split-Path -Leaf $_.OriginalFileName) })
if ($published.Count -eq 0) { 'the driver store holds no package with ' + ($own -join ', '); exit 1 }
foreach ($driver in $published) {
  pnputil.exe /delete-driver $driver.Driver /uninstall /force
  if (0, 3010 -notcontains $LASTEXITCODE) { exit 1 }
}
