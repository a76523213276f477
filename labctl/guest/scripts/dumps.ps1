# The two newest minidumps, and of all memory no more than its header.
# Each as dump=PATH|BYTES|TIME, then mark= (of a minidump: the four bytes with which it must end) and data=, in base64.

$files = @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\Windows\Minidump\*.dmp | Sort-Object LastWriteTimeUtc -Descending | Select-Object -First 2)
$files += @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\Windows\MEMORY.DMP)
foreach ($file in $files) {
  $limit = 1048576
  if ($file.Name -eq 'MEMORY.DMP') { $limit = 65536 }
  'dump=' + $file.FullName + '|' + $file.Length + '|' + $file.LastWriteTimeUtc.ToString('o')
  $bytes = New-Object byte[] ([Math]::Min($limit, $file.Length))
  $stream = [IO.File]::OpenRead($file.FullName)
  $read = $stream.Read($bytes, 0, $bytes.Length)
  if ($read -gt 8204) {
    $end = [BitConverter]::ToUInt32($bytes, 8200)
    $mark = New-Object byte[] 4
    [void]$stream.Seek($end, 'Begin')
    'mark=' + [Convert]::ToBase64String($mark, 0, $stream.Read($mark, 0, 4))
  }
  $stream.Close()
  'data=' + [Convert]::ToBase64String($bytes, 0, $read)
}
