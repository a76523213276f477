#include "labctl/guest/windows.h"

#include <utility>

#include "labctl/base/text.h"

namespace labctl::guest {
namespace {

using scenario::DriverKind;
using Values = std::vector<std::pair<const char*, std::string>>;

const std::string payload_folder = "C:\\ProgramData\\labctl\\payload";

// Within single quotes PowerShell knows nothing but the quote itself.
std::string quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

// `stop`: what goes wrong in a command ends the script with status 1.
Question script(const std::string& name, const Values& values, const std::string& body) {
  std::string text = "# labctl " + name + "\n$ErrorActionPreference = 'Stop'\n";
  for (const auto& [variable, value] : values)
    text += "$" + std::string(variable) + " = " + quote(value) + "\n";
  return {name, text + body};
}

std::string payload(const std::string& file) { return payload_folder + "\\" + file; }

// An author's command: a program's status is the command's.
std::string authors(const std::string& command) {
  return "$global:LASTEXITCODE = 0\n" + command + "\nexit $LASTEXITCODE\n";
}

const std::string boot_id =
    "$boot = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')\n"
    "'boot_id=' + $boot\n";

// What a crash leaves behind. 1001 of another source is somebody else's.
const std::string events =
    "$query = '/q:*[System[(EventID=1001 and "
    "Provider[@Name=''Microsoft-Windows-WER-SystemErrorReporting'']) "
    "or EventID=41 or EventID=6008]]'\n"
    "$events = @(wevtutil.exe qe System $query /f:xml /rd:true /c:50)\n"
    "$dumps = @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\\Windows\\Minidump\\*.dmp, "
    "C:\\Windows\\MEMORY.DMP | Sort-Object LastWriteTimeUtc -Descending)\n";

// A driver that is loaded only after the next boot says so for as long as this boot lasts.
const std::string mark_pending =
    "$boot = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')\n"
    "Remove-Item -Force -ErrorAction SilentlyContinue C:\\ProgramData\\labctl\\pending\n"
    "if ($pending) { Set-Content C:\\ProgramData\\labctl\\pending $boot; 'pending=reboot' }\n";

const std::string set_verifier =
    "if ($verifier -ne 'off') {\n"
    "  $faults = @()\n"
    "  if ($verifier -eq 'low-resources') { $faults = @('/faults', '599', '\"\"', '\"\"', '1') }\n"
    "  if ($verifier -eq 'standard') { $faults = @('/standard') }\n"
    "  verifier.exe $faults /driver ($service + '.sys')\n"
    "  if (0, 2 -notcontains $LASTEXITCODE) { exit 1 }\n"
    "  verifier.exe /bootmode persistent\n"
    "  if (0, 2 -notcontains $LASTEXITCODE) { exit 1 }\n"
    "}\n";

// 259: no device matched, or a better driver is in use already; whether the service runs is asked later.
const std::string install_inf =
    "$folder = 'C:\\ProgramData\\labctl\\package'\n"
    "Remove-Item -Recurse -Force -ErrorAction SilentlyContinue $folder\n"
    "Expand-Archive -Path $package -DestinationPath $folder\n"
    "if ($certificate) {\n"
    "  foreach ($store in 'Root', 'TrustedPublisher') {\n"
    "    certutil.exe -f -addstore $store ($folder + '\\' + $certificate)\n"
    "    if ($LASTEXITCODE -ne 0) { exit 1 }\n"
    "  }\n"
    "}\n"
    "$pending = $false\n"
    "foreach ($inf in @(Get-ChildItem -Recurse $folder -Filter *.inf)) {\n"
    "  pnputil.exe /add-driver $inf.FullName /install\n"
    "  $code = $LASTEXITCODE\n"
    "  'pnputil=' + $code\n"
    "  if (0, 259, 3010, 1641 -notcontains $code) { exit 1 }\n"
    "  if (3010, 1641 -contains $code) { $pending = $true }\n"
    "}\n"
    "if (-not $pending) { sc.exe start $service }\n";

// A driver that does not let itself be stopped is replaced at the next boot.
const std::string install_service =
    "$file = 'C:\\Windows\\System32\\drivers\\' + $service + '.sys'\n"
    "$pending = $false\n"
    "sc.exe query $service\n"
    "if ($LASTEXITCODE -eq 0) {\n"
    "  sc.exe stop $service\n"
    "  for ($n = 0; $n -lt 50 -and (sc.exe query $service | Select-String 'STATE *: *[2-7]'); $n++) "
    "{ Start-Sleep -Milliseconds 200 }\n"
    "  if (sc.exe query $service | Select-String 'STATE *: *[2-7]') {\n"
    "    $pending = $true\n"
    "    Move-Item -Force $file ($file + '.old')\n"
    "  }\n"
    "} else {\n"
    "  sc.exe create $service type= kernel start= $start error= normal binPath= $file\n"
    "  if ($LASTEXITCODE -ne 0) { exit 1 }\n"
    "}\n"
    "Copy-Item -Force $package $file\n"
    "Set-ItemProperty $file IsReadOnly $false\n"
    "Write-VolumeCache C\n"
    "if (-not $pending) {\n"
    "  sc.exe start $service\n"
    "  if (0, 1056 -notcontains $LASTEXITCODE) { exit 1 }\n"
    "}\n";

// 1618: another installation is under way.
const std::string install_msi =
    "$pending = $false\n"
    "for ($n = 0; $n -lt 10; $n++) {\n"
    "  $code = (Start-Process msiexec.exe -ArgumentList '/i', $package, '/qn', '/norestart' -Wait "
    "-PassThru).ExitCode\n"
    "  'msiexec=' + $code\n"
    "  if ($code -ne 1618) { break }\n"
    "  Start-Sleep -Seconds 5\n"
    "}\n"
    "if (0, 3010, 1641 -notcontains $code) { exit 1 }\n"
    "if (3010, 1641 -contains $code) { $pending = $true }\n";

const std::string remove_service =
    "sc.exe stop $service\n"
    "for ($n = 0; $n -lt 50 -and (sc.exe query $service | Select-String 'STATE *: *[2-7]'); $n++) "
    "{ Start-Sleep -Milliseconds 200 }\n"
    "sc.exe delete $service\n"
    "if (0, 1060, 1072 -notcontains $LASTEXITCODE) { exit 1 }\n"
    "exit 0\n";

// The published name of what was installed from the package. The images are English, and so is pnputil.
const std::string remove_inf =
    "$folder = 'C:\\ProgramData\\labctl\\package'\n"
    "$own = @(Get-ChildItem -Recurse $folder -Filter *.inf | ForEach-Object { $_.Name })\n"
    "$published = ''\n"
    "foreach ($line in @(pnputil.exe /enum-drivers)) {\n"
    "  if ($line -match '^Published Name: *(oem[0-9]+[.]inf)') { $published = $Matches[1] }\n"
    "  if ($line -match '^Original Name: *(.*)$' -and $own -contains $Matches[1].Trim()) {\n"
    "    pnputil.exe /delete-driver $published /uninstall /force\n"
    "    if (0, 3010 -notcontains $LASTEXITCODE) { exit 1 }\n"
    "  }\n"
    "}\n";

const std::string remove_msi =
    "$code = (Start-Process msiexec.exe -ArgumentList '/x', $package, '/qn', '/norestart' -Wait "
    "-PassThru).ExitCode\n"
    "'msiexec=' + $code\n"
    "if (0, 3010 -notcontains $code) { exit 1 }\n"
    "exit 0\n";

// What is loaded cannot be compared with the file that it came from, so `fresh` is unknown; the file is the
// build. A file that is gone is told: an error would only say that the guest could not answer.
const std::string tell_loaded =
    "$key = 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\' + $service\n"
    "if (-not (Test-Path $key)) { 'state=absent'; exit 0 }\n"
    "$state = 'stopped'\n"
    "if (sc.exe query $service | Select-String 'STATE *: *4') { $state = 'live' }\n"
    "$boot = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')\n"
    "$pending = Get-Content -ErrorAction SilentlyContinue C:\\ProgramData\\labctl\\pending\n"
    "if ($pending -eq $boot) { $state = 'pending' }\n"
    "'state=' + $state\n"
    "$file = (Get-ItemProperty $key).ImagePath -replace '^\\\\[?][?]\\\\', '' "
    "-replace '^\\\\SystemRoot\\\\', 'C:\\Windows\\' -replace '^System32\\\\', 'C:\\Windows\\System32\\'\n"
    "$hash = 'absent'\n"
    "$version = ''\n"
    "if (Test-Path $file) {\n"
    "  $hash = (Get-FileHash -Algorithm SHA256 $file).Hash.ToLower()\n"
    "  $version = (Get-Item $file).VersionInfo.FileVersion\n"
    "}\n"
    "'file=' + $file\n"
    "'file_sha256=' + $hash\n"
    "'build_id=' + $hash\n"
    "'version=' + $version\n"
    "'fresh=unknown'\n"
    "if ($kind -eq 'inf') {\n"
    "  $own = @(Get-ChildItem -Recurse C:\\ProgramData\\labctl\\package -Filter *.sys | Where-Object "
    "{ (Get-FileHash -Algorithm SHA256 $_.FullName).Hash -eq $hash })\n"
    "  if ($own.Count -gt 0) { 'package=right' } else { 'package=another file than the package has' }\n"
    "}\n"
    "$verified = (Get-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory "
    "Management').VerifyDrivers\n"
    "if (($verified + '').Split(' ') -contains (Split-Path -Leaf $file)) { 'verifier=on' } else "
    "{ 'verifier=off' }\n";

const std::string copy_to_place =
    "try {\n"
    "  New-Item -ItemType Directory -Force (Split-Path $path) | Out-Null\n"
    "  Copy-Item -Force $file $path\n"
    "  Set-ItemProperty $path IsReadOnly $false\n"
    "  Write-VolumeCache C\n"
    "} catch { $_.Exception.Message; exit 126 }\n";

}  // namespace

Question Windows::own(const std::string& name, const std::string& command) const {
  return script(name, {}, authors(command));
}

Question Windows::identify() const { return script("identify", {}, boot_id); }

// A recovery environment looks like a live machine with a calm screen, and safe mode leaves the driver out:
// both would be the false good news.
Question Windows::booted() const {
  return script(
      "booted", {},
      "if (Test-Path 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\MiniNT') { 'system=winpe'; exit 0 }\n"
      "if ($env:SystemRoot -ne 'C:\\Windows') { 'system=another-root'; exit 0 }\n"
      "if (Test-Path 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SafeBoot\\Option') { 'system=safe-mode'; "
      "exit 0 }\n"
      "if ((Get-ItemProperty 'HKLM:\\SYSTEM\\Setup').SystemSetupInProgress -ne 0) { 'system=setup'; exit 0 "
      "}\n"
      "while (@(Get-CimInstance Win32_Service -Filter 'State = ''Start Pending''').Count -gt 0) "
      "{ Start-Sleep -Seconds 1 }\n"
      "'system=running'\n");
}

Question Windows::evidence() const {
  return script("evidence", {},
                boot_id + "'kernel=' + [Environment]::OSVersion.Version.ToString()\n" + events +
                    "'crash_records=' + ($events.Count + $dumps.Count)\n");
}

Question Windows::kernel_log() const {
  return script("kernel-log", {},
                events +
                    "'log=System'\n"
                    "$events\n"
                    "foreach ($dump in $dumps) { 'dump=' + $dump.FullName + '|' + $dump.Length + '|' + "
                    "$dump.LastWriteTimeUtc.ToString('o') }\n");
}

// Of all memory no more than its header.
std::vector<Question> Windows::last_questions() const {
  return {
      kernel_log(), evidence(),
      script("dumps", {},
             "$files = @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\\Windows\\Minidump\\*.dmp | "
             "Sort-Object LastWriteTimeUtc -Descending | Select-Object -First 2)\n"
             "$files += @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\\Windows\\MEMORY.DMP)\n"
             "foreach ($file in $files) {\n"
             "  $limit = 1048576\n"
             "  if ($file.Name -eq 'MEMORY.DMP') { $limit = 65536 }\n"
             "  'dump=' + $file.FullName + '|' + $file.Length + '|' + "
             "$file.LastWriteTimeUtc.ToString('o')\n"
             "  $bytes = New-Object byte[] ([Math]::Min($limit, $file.Length))\n"
             "  $stream = [IO.File]::OpenRead($file.FullName)\n"
             "  $read = $stream.Read($bytes, 0, $bytes.Length)\n"
             "  $stream.Close()\n"
             "  'data=' + [Convert]::ToBase64String($bytes, 0, $read)\n"
             "}\n")};
}

Question Windows::reboot() const { return script("reboot", {}, "shutdown.exe /r /t 0\n"); }

Question Windows::power_off() const { return script("power-off", {}, "shutdown.exe /s /t 0\n"); }

// Windows tells when it booted by its clock: to set that would make another boot of this one.
Question Windows::set_clock(long long) const { return {"set-clock", {}}; }

Question Windows::deliver(const std::vector<std::string>& files) const {
  return script("deliver", {{"files", join(files, "|")}, {"folder", payload_folder}},
                "$cd = $null\n"
                "for ($n = 0; $n -lt 100 -and -not $cd; $n++) {\n"
                "  $cd = Get-CimInstance Win32_LogicalDisk -Filter 'VolumeName = ''LABCTL''' | Select-Object "
                "-First 1\n"
                "  if (-not $cd) { Start-Sleep -Milliseconds 200 }\n"
                "}\n"
                "if (-not $cd) { 'no drive holds the volume LABCTL'; exit 1 }\n"
                "New-Item -ItemType Directory -Force $folder | Out-Null\n"
                "foreach ($name in $files.Split('|')) {\n"
                "  $copy = $folder + '\\' + $name\n"
                "  Copy-Item -Force ($cd.DeviceID + '\\' + $name) $copy\n"
                "  Set-ItemProperty $copy IsReadOnly $false\n"
                "  $name + '=' + (Get-FileHash -Algorithm SHA256 $copy).Hash.ToLower()\n"
                "}\n"
                "Write-VolumeCache C\n");
}

Question Windows::install(const scenario::Guest& guest, const std::string& file) const {
  const auto& driver = guest.driver;
  const auto verifier = std::string(scenario::to_string(guest.verifier));
  const std::string package = payload(file), tail = mark_pending + set_verifier + "exit 0\n";
  Values values = {{"package", package}, {"service", driver.module}, {"verifier", verifier}};
  switch (driver.kind) {
    case DriverKind::inf:
      values.emplace_back("certificate", driver.certificate);
      return {"install", script("install-inf", values, install_inf + tail).command};
    case DriverKind::service:
      values.emplace_back("start", driver.start);
      return {"install", script("install-service", values, install_service + tail).command};
    case DriverKind::msi:
      return {"install", script("install-msi", values, install_msi + tail).command};
    default:
      break;
  }
  return {"install", script("install-script", values,
                            set_verifier + "$env:LABCTL_DRIVER = $package\n" + authors(driver.install))
                         .command};
}

Question Windows::remove(const scenario::Guest& guest, const std::string& file) const {
  const auto& driver = guest.driver;
  const Values values = {{"package", payload(file)}, {"service", driver.module}};
  switch (driver.kind) {
    case DriverKind::inf:
      return {"remove", script("remove-inf", values, remove_inf + remove_service).command};
    case DriverKind::service:
      return {"remove", script("remove-service", values, remove_service).command};
    case DriverKind::msi:
      return {"remove", script("remove-msi", values, remove_msi).command};
    default:
      break;
  }
  return {
      "remove",
      script("remove-script", values, "$env:LABCTL_DRIVER = $package\n" + authors(driver.remove)).command};
}

Question Windows::loaded(const scenario::Guest& guest, const std::string&) const {
  return script("loaded",
                {{"service", guest.driver.module}, {"kind", scenario::to_string(guest.driver.kind)}},
                tell_loaded);
}

Question Windows::place(const scenario::Content& content, const std::string& file) const {
  return script("place", {{"file", payload(file)}, {"path", content.path}}, copy_to_place);
}

Question Windows::apply(const scenario::Content& content, const std::string& file) const {
  return script("apply", {{"file", payload(file)}, {"path", content.path}},
                copy_to_place + (content.apply.empty() ? "" : authors(content.apply)));
}

Question Windows::content_digest(const scenario::Content& content) const {
  return script("content-digest", {{"path", content.path}},
                "$hash = 'absent'\n"
                "if (Test-Path $path) { $hash = (Get-FileHash -Algorithm SHA256 $path).Hash.ToLower() }\n"
                "'content_sha256=' + $hash\n");
}

// Sysinternals' NotMyFault, which images may bring; the status 127 says that this one does not.
Question Windows::stage(Crash crash) const {
  if (crash != Crash::panic) return {"stage-" + std::string(to_string(crash)), {}};
  return script("stage-panic", {},
                "$tool = 'C:\\ProgramData\\labctl\\tools\\notmyfault64.exe'\n"
                "if (-not (Test-Path $tool)) { exit 127 }\n"
                "& $tool -accepteula -bugcheck 0xE2\n");
}

// "2026-11-22T08:15:30.5000000Z"
bool Windows::is_boot_id(const std::string& text) const {
  static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddddddZ";
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

}  // namespace labctl::guest
