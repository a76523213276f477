// labctl attest and labctl keygen: a signature over a bundle that is there already, and the key for it.

#include "labctl/base/files.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/judge.h"
#include "labctl/cli/cli.h"
#include "labctl/cli/signer.h"

namespace labctl::cli {

int attest(const std::string& bundle, const SigningOptions& signing) {
  auto signer = Signer::open(signing);
  if (!signer) return complain(signer.error());
  const fs::path file = fs::path(bundle) / "attestation.json";
  std::error_code problem;
  if (fs::exists(file, problem))
    return complain(Error{Fault::input, "there is an attestation already", file.string(),
                          "move it away when it is to be replaced"});
  auto judged = bundle::judge_bundle(bundle);
  if (!judged) return complain(judged.error());
  // Only what the events give is signed, and only when the bundle says the same.
  if (auto same = bundle::check_verdict_json(bundle, *judged); !same) return complain(same.error());
  auto text = signer->attest(*judged);
  if (!text) return complain(text.error());
  if (auto written = write_file(file, *text); !written) return complain(written.error());
  print(std::string(verdict::to_string(judged->verdict.decision)) + ", signed with key " +
        signer->public_key().id() + "\n" + file.string() + "\n");
  return exit_code::passed;
}

int keygen(const std::string& type, const std::string& file) {
  auto key = attest::PrivateKey::make(type == "p256" ? attest::KeyType::p256 : attest::KeyType::ed25519);
  if (!key) return complain(key.error());
  const std::string public_file = file + ".pub";
  std::error_code problem;
  for (const auto& name : {file, public_file})
    if (fs::exists(fs::symlink_status(name, problem)))
      return complain(Error{Fault::input, "is there already, and keys are never overwritten", name, {}});
  if (auto made = create_file(file, key->pem(), 0600); !made) return complain(made.error());
  if (auto made = create_file(public_file, key->public_key().pem(), 0644); !made)
    return complain(made.error());
  print("private key: " + file + "\npublic key:  " + public_file +
        "\nkey id:      " + key->public_key().id() + "\n");
  return exit_code::passed;
}

}  // namespace labctl::cli
