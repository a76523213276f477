# A driver package. Status 259 of pnputil: no device matched, or a better driver is in use already; whether the
# service runs is asked later. Leaves $pending.
# Values: package, service (several with '|' between), certificate (empty: none).

$folder = 'C:\ProgramData\labctl\package'
Remove-Item -Recurse -Force -ErrorAction SilentlyContinue $folder
Expand-Archive -Path $package -DestinationPath $folder
if ($certificate) {
  foreach ($store in 'Root', 'TrustedPublisher') {
    certutil.exe -f -addstore $store ($folder + '\' + $certificate)
    if ($LASTEXITCODE -ne 0) { exit 1 }
  }
}
$pending = $false
foreach ($inf in @(Get-ChildItem -Recurse $folder -Filter *.inf)) {
  pnputil.exe /add-driver $inf.FullName /install
  $code = $LASTEXITCODE
  'pnputil=' + $code
  if (0, 259, 3010, 1641 -notcontains $code) { exit 1 }
  if (3010, 1641 -contains $code) { $pending = $true }
}
if (-not $pending) { foreach ($each in $service.Split('|')) { sc.exe start $each } }
