# The two newest minidumps, and of all memory no more than its header.
# Each as dump=PATH|BYTES|TIME, then data=BASE64.

$files = @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\Windows\Minidump\*.dmp | Sort-Object LastWriteTimeUtc -Descending | Select-Object -First 2)
$files += @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\Windows\MEMORY.DMP)
foreach ($file in $files) {
  $limit = 1048576
  if ($file.Name -eq 'MEMORY.DMP') { $limit = 65536 }
  'dump=' + $file.FullName + '|' + $file.Length + '|' + $file.LastWriteTimeUtc.ToString('o')
  $bytes = New-Object byte[] ([Math]::Min($limit, $file.Length))
  $stream = [IO.File]::OpenRead($file.FullName)
  $read = $stream.Read($bytes, 0, $bytes.Length)
  $stream.Close()
  'data=' + [Convert]::ToBase64String($bytes, 0, $read)
}
