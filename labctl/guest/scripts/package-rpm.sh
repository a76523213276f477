# Whether what is installed is what was delivered, and its files are the package's; what an administrator may change
# (c: configuration, g: made while it runs, d: documentation) does not count. Answers package=, "right" or what is wrong.
# Arguments: the packages.
# shellcheck shell=sh

what='%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n'
state=right
for package in "$@"; do
  wanted=$(rpm -qp --qf "$what" "$package" 2>/dev/null)
  installed=$(rpm -q --qf "$what" "${wanted%% *}" 2>&1)
  if [ -n "$wanted" ] && [ "$installed" = "$wanted" ]; then
    changed=$(rpm -V --nodeps --noscripts "${wanted%% *}" 2>&1 | grep -E '^(missing|..5)' | grep -vE '^[^ ]+ +[cdg] ' | head -n 3 | tr '\n' ';')
    state=${changed:-$state}
  else
    state="$installed, not $wanted"
  fi
done
printf 'package=%s\n' "$state"
