// Keys, envelopes and statements: what is signed comes back, and nothing else does.

#include <functional>

#include "labctl/attest/envelope.h"
#include "labctl/attest/policy.h"
#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "tests/attest/good_statement.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;
using attest::KeyType;
using attest::PrivateKey;
using attest::PublicKey;
using test::good_statement;
using test::soon;

namespace {

const std::string type(attest::in_toto_type);

attest::Envelope sealed(const std::string& payload, const std::vector<PrivateKey>& keys) {
  attest::Envelope envelope{.payload_type = type, .payload = payload};
  for (const auto& key : keys)
    envelope.signatures.push_back(
        {key.public_key().id(), key.sign(attest::pre_authentication(type, payload)).value()});
  return envelope;
}

bool opens(const attest::Envelope& envelope, const std::vector<PublicKey>& keys) {
  return attest::open(envelope, type, keys).has_value();
}

std::string why_not(const attest::Envelope& envelope, const std::vector<PublicKey>& keys) {
  auto payload = attest::open(envelope, type, keys);
  return payload ? "it was opened" : payload.error().what;
}

const PrivateKey& key_of(KeyType kind) {
  static const PrivateKey ed = PrivateKey::make(KeyType::ed25519).value(),
                          ec = PrivateKey::make(KeyType::p256).value();
  return kind == KeyType::p256 ? ec : ed;
}

std::vector<attest::Resource> given() { return good_statement().subjects; }

}  // namespace

TEST_CASE("what a key signs its public half confirms, and no other does") {
  for (KeyType kind : {KeyType::ed25519, KeyType::p256}) {
    INFO(attest::to_string(kind));
    const auto& key = key_of(kind);
    auto again = PrivateKey::read(key.pem(), {}, "key");
    auto pub = PublicKey::read(key.public_key().pem(), "pub");
    REQUIRE(again);
    REQUIRE(pub);
    CHECK(pub->id() == key.public_key().id());
    CHECK(again->public_key().id() == pub->id());
    CHECK(pub->type() == kind);
    const std::string signature = again->sign("bytes").value();
    CHECK(pub->verifies("bytes", signature));
    CHECK_FALSE(pub->verifies("byteS", signature));
    CHECK_FALSE(pub->verifies("bytes", ""));
    CHECK_FALSE(pub->verifies("bytes", signature + std::string(1, '\0')));
    CHECK_FALSE(PrivateKey::make(kind)->public_key().verifies("bytes", signature));
    for (std::size_t i = 0; i < signature.size(); ++i) {
      std::string flipped = signature;
      flipped[i] = static_cast<char>(flipped[i] ^ 1);
      CHECK_FALSE(pub->verifies("bytes", flipped));
    }
  }
}

TEST_CASE("texts that are no key of ours are refused and never shown") {
  const std::string secret = key_of(KeyType::ed25519).pem();
  const std::string shown = key_of(KeyType::ed25519).public_key().pem();
  struct Row {
    const char* name;
    std::string text, reason;
  };
  std::string broken = secret;
  broken[40] = broken[40] == 'A' ? 'B' : 'A';
  const Row as_private[] = {{"nothing", "", "no PEM private key"},
                            {"a public key", shown, "no PEM private key"},
                            {"two keys", secret + secret, "more than one"},
                            {"a key cut off", secret.substr(0, 70), "cannot be read"},
                            {"a key without bytes",
                             "-----BEGIN "
                             "PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
                             "cannot be read"},
                            {"binary",
                             std::string("-----BEGIN "
                                         "PRIVATE KEY-----\n\0\xff",
                                         30),
                             "cannot be read"}};
  for (const Row& row : as_private) {
    INFO(row.name);
    auto key = PrivateKey::read(row.text, {}, "here");
    REQUIRE_FALSE(key);
    CHECK_THAT(key.error().what, ContainsSubstring(row.reason));
    CHECK(key.error().text().find(secret.substr(40, 20)) == std::string::npos);
  }
  const Row as_public[] = {{"nothing", "", "no PEM public key"},
                           {"a private key", secret, "private key"},
                           {"a private key behind a public one", shown + secret, "private key"},
                           {"two keys", shown + shown, "more than one"},
                           {"a key cut off", shown.substr(0, 60), "cannot be read"}};
  for (const Row& row : as_public) {
    INFO(row.name);
    auto key = PublicKey::read(row.text, "here");
    REQUIRE_FALSE(key);
    CHECK_THAT(key.error().what, ContainsSubstring(row.reason));
    CHECK(key.error().text().find(secret.substr(40, 20)) == std::string::npos);
  }
}

TEST_CASE("the bytes that are signed are those of the DSSE standard") {
  CHECK(attest::pre_authentication("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  CHECK(attest::pre_authentication("", "") == "DSSEv1 0  0 ");
}

TEST_CASE("an envelope opens for exactly the keys that signed it") {
  const auto &ed = key_of(KeyType::ed25519), &ec = key_of(KeyType::p256);
  const auto &ed_pub = ed.public_key(), &ec_pub = ec.public_key();
  CHECK(attest::open(sealed("x", {ed}), type, {ed_pub}).value() == "x");
  CHECK(opens(sealed("x", {ed, ec}), {ed_pub, ec_pub}));
  CHECK(opens(sealed("x", {ed, ec}), {ec_pub, ed_pub}));

  CHECK_THAT(why_not(sealed("x", {ed}), {}), ContainsSubstring("no key"));
  CHECK_THAT(why_not(sealed("x", {ed}), {ec_pub}), ContainsSubstring("none of the given keys"));
  CHECK_THAT(why_not(sealed("x", {ed}), {ed_pub, ec_pub}), ContainsSubstring("has not signed"));
  CHECK_THAT(why_not(sealed("x", {ed, ec}), {ed_pub}), ContainsSubstring("none of the given keys"));
  CHECK_THAT(why_not(sealed("x", {ec, ec}), {ec_pub}), ContainsSubstring("twice"));
  CHECK_THAT(why_not(sealed("x", {}), {ec_pub}), ContainsSubstring("has not signed"));

  auto nameless = sealed("x", {ed});
  nameless.signatures[0].key_id.clear();  // a key id is a hint; DSSE lets it be missing
  CHECK(opens(nameless, {ed_pub}));
  auto misnamed = sealed("x", {ed});
  misnamed.signatures[0].key_id = ec_pub.id();
  CHECK_FALSE(opens(misnamed, {ed_pub}));
  CHECK_FALSE(opens(misnamed, {ed_pub, ec_pub}));
}

TEST_CASE("two signatures of which one is bad open nothing") {
  const auto &ed = key_of(KeyType::ed25519), &ec = key_of(KeyType::p256);
  for (std::size_t bad : {0u, 1u}) {
    auto envelope = sealed("x", {ed, ec});
    envelope.signatures[bad].bytes[10] = static_cast<char>(envelope.signatures[bad].bytes[10] ^ 4);
    CHECK_FALSE(opens(envelope, {ed.public_key(), ec.public_key()}));
    CHECK_FALSE(opens(envelope, {ed.public_key()}));
    CHECK_FALSE(opens(envelope, {ec.public_key()}));
  }
}

TEST_CASE("a signature that was changed in any letter does not open") {
  for (const KeyType type_of_key : {KeyType::ed25519, KeyType::p256}) {
    const auto& key = key_of(type_of_key);
    const auto good = sealed(attest::to_payload(good_statement()), {key});
    const std::string text = attest::to_text(good);
    const auto from = text.find("\"sig\": \"") + 8, to = text.find('"', from);
    REQUIRE(to - from >= 88);
    for (std::size_t i = from; i < to; ++i)
      for (const char letter : std::string_view("AB/=")) {
        std::string changed = text;
        changed[i] = letter;
        const auto read = attest::read_envelope(changed, "here");
        CHECK((changed == text || !read || !opens(*read, {key.public_key()})));
      }
  }
}

TEST_CASE("a payload or a type that was changed does not open") {
  const auto& key = key_of(KeyType::ed25519);
  const auto good = sealed(attest::to_payload(good_statement()), {key});
  for (std::size_t i = 0; i < good.payload.size(); ++i) {
    auto changed = good;
    changed.payload[i] = static_cast<char>(changed.payload[i] ^ 1);
    CHECK_FALSE(opens(changed, {key.public_key()}));
  }
  auto other_type = good;
  other_type.payload_type = "application/json";
  CHECK_THAT(why_not(other_type, {key.public_key()}), ContainsSubstring("of type"));
  // Signed as another type, and called ours: the type is part of what is signed.
  auto relabelled = good;
  relabelled.signatures[0].bytes =
      key.sign(attest::pre_authentication("application/json", good.payload)).value();
  CHECK_FALSE(opens(relabelled, {key.public_key()}));
}

TEST_CASE("an envelope is written and read back the same") {
  const auto envelope = sealed(std::string("{\"a\":\"\xc3\xa9\"}\0", 12), {key_of(KeyType::p256)});
  auto back = attest::read_envelope(attest::to_text(envelope), "here");
  REQUIRE(back);
  CHECK(back->payload == envelope.payload);
  CHECK(back->payload_type == envelope.payload_type);
  CHECK(back->signatures[0].bytes == envelope.signatures[0].bytes);
  CHECK(back->signatures[0].key_id == envelope.signatures[0].key_id);
}

TEST_CASE("texts that are no envelope are refused with a reason") {
  const std::string good = attest::to_text(sealed("x", {key_of(KeyType::ed25519)}));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  struct Row {
    const char* name;
    std::string text, reason;
  };
  const Row rows[] = {
      {"nothing", "", "not valid JSON"},
      {"a bare statement", attest::to_payload(good_statement()), "no payload"},
      {"a list", "[]", "no payload"},
      {"no type", with("\"payloadType\"", "\"other\""), "no type"},
      {"a payload that is a number", R"({"payloadType":"x","payload":7,"signatures":[]})", "not base64"},
      {"no signatures", R"({"payloadType":"x","payload":"eA=="})", "not signed"},
      {"an empty list of signatures", R"({"payloadType":"x","payload":"eA==","signatures":[]})",
       "not signed"},
      {"signatures that are none", R"({"payloadType":"x","payload":"eA==","signatures":[7]})", "signature"},
      {"an empty signature", R"({"payloadType":"x","payload":"eA==","signatures":[{"sig":""}]})",
       "signature"},
      {"a key id that is a list",
       R"({"payloadType":"x","payload":"eA==","signatures":[{"sig":"eA==","keyid":[]}]})", "key id"},
      {"a payload with a hidden bit", with("\"eA==\"", "\"eB==\""), "not base64"},
      {"a payload with a line end", with("\"eA==\"", "\"eA=\\n=\""), "not base64"},
      {"URL-safe base64", with("\"eA==\"", "\"_-__\""), "not base64"},
      {"a payload that stands twice", with("\"payload\"", "\"payload\": \"eQ==\", \"payload\""),
       "occurs twice"},
      {"signatures that stand twice", with("\"signatures\"", "\"signatures\": [], \"signatures\""),
       "occurs twice"},
      {"a key that stands twice in another spelling",
       with("\"payload\"", "\"p\\u0061yload\": \"eQ==\", \"payload\""), "occurs twice"},
      {"deep nesting", "{\"payload\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
       "nested"},
      {"nesting without an end", std::string(1'000'000, '['), ""},
      {"no UTF-8", with("\"payloadType\"", "\"\xff\""), "not valid JSON"},
      {"too large", std::string(attest::largest_envelope + 1, ' '), "too large"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    auto envelope = attest::read_envelope(row.text, "here");
    REQUIRE_FALSE(envelope);
    CHECK_THAT(envelope.error().what, ContainsSubstring(row.reason));
    CHECK(envelope.error().what.size() < 600);
    for (unsigned char c : envelope.error().what) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("a statement is written and read back the same") {
  auto all = good_statement();
  all.result = attest::TestResult::warned;
  all.warned = {"w"};
  all.waived = all.warnings_allowed = true;
  all.allowed = all.unproved = {"WARNING in x"};
  all.failed = {"f", "g"};
  all.cells[0].expected = true;
  const std::string payload = attest::to_payload(all);
  auto back = attest::read_payload(payload, "here");
  REQUIRE(back);
  CHECK(attest::to_payload(*back) == payload);
  CHECK(back->began == all.began);
  CHECK(back->rules == 2);
  CHECK(back->cells[0].journal.events == 90);
  CHECK(back->cells[1].control);
  CHECK(back->cells[0].expected);
  CHECK_FALSE(back->cells[1].expected);
  CHECK(back->waived);
  CHECK(back->warnings_allowed);
  CHECK(back->allowed == all.allowed);
  std::string wrong = payload;
  wrong.replace(wrong.find("\"expected\":true"), 15, "\"expected\":\"no\"");
  CHECK_FALSE(attest::read_payload(wrong, "here"));
}

TEST_CASE("a statement in which anything is missing or of another type is refused") {
  const auto whole = parse_json(attest::to_payload(good_statement()), "x").value();
  const auto refused = [](const Json& json) { return !attest::read_payload(json.dump(), "here"); };
  REQUIRE_FALSE(refused(whole));
  int tried = 0;
  const auto spoil_members = [&](const Json::json_pointer& place) {
    for (const auto& [key, value] : whole.at(place).items()) {
      const auto here = place / key;
      INFO(here.to_string());
      for (const Json& wrong :
           {Json(nullptr), Json(-1), Json(1.5), Json(true), Json("nonsense"), Json::array({7})}) {
        if (key == "name" || key == "id" || key == "outcome" || key == "verdict" || key == "scenario" ||
            key == "tool" || key == "image" || key == "machine")
          if (wrong.is_string()) continue;  // any text can be meant
        if (here.to_string().ends_with("journal/sha256") && wrong.is_string())
          continue;  // a failed cell has none
        if (wrong.type() == value.type() && value.is_boolean()) continue;
        Json changed = whole;
        changed[here] = wrong;
        CHECK(refused(changed));
        ++tried;
      }
      Json without = whole;
      without[place].erase(key);
      if (key != "rules") CHECK(refused(without));  // what lacks it is of the first rule set
    }
  };
  using Pointer = Json::json_pointer;
  for (const char* place :
       {"", "/subject/0", "/subject/0/digest", "/predicate", "/predicate/configuration/4/annotations/labctl",
        "/predicate/configuration/3/annotations/labctl", "/predicate/configuration/1/annotations/labctl",
        "/predicate/configuration/4/annotations/labctl/policy",
        "/predicate/configuration/4/annotations/labctl/cells/0",
        "/predicate/configuration/4/annotations/labctl/cells/0/boots",
        "/predicate/configuration/4/annotations/labctl/cells/0/journal"})
    spoil_members(Pointer(place));
  CHECK(tried > 100);

  // What it does not know it ignores, as in-toto asks for; what stands twice it does not.
  Json more = whole;
  more["predicate"]["new"] = 1;
  CHECK_FALSE(refused(more));
  std::string twice = attest::to_payload(good_statement());
  twice.insert(1, "\"_type\":\"https://in-toto.io/Statement/v1\",");
  CHECK_FALSE(attest::read_payload(twice, "here"));
  Json two = whole;
  two["predicate"]["configuration"].push_back(two["predicate"]["configuration"][0]);
  CHECK(refused(two));
}

TEST_CASE("a statement from before boots together were counted is refused by that name") {
  auto old = parse_json(attest::to_payload(good_statement()), "x").value();
  for (auto& cell : old["predicate"]["configuration"][4]["annotations"]["labctl"]["cells"]) {
    cell["boots"].erase("together");
    for (const char* key : {"image", "machine", "drivers", "contents"}) cell.erase(key);
  }
  for (const char* key : {"waived", "policy", "allowed"})
    old["predicate"]["configuration"][4]["annotations"]["labctl"].erase(key);
  const auto back = attest::read_payload(old.dump(), "here");
  REQUIRE_FALSE(back);
  CHECK_THAT(back.error().what, ContainsSubstring("in how many boots the candidates were together"));
}

TEST_CASE("everything that a policy asks for is asked") {
  using Change = std::function<void(attest::Statement&, attest::Policy&)>;
  using S = attest::Statement;
  using P = attest::Policy;
  struct Row {
    const char* name;
    Change change;
    std::string reason;  // empty: no objection
  };
  const auto waived = [](S& s) {
    s.result = attest::TestResult::warned;
    s.warned = std::exchange(s.passed, {});
  };
  const auto allowed = [&](S& s) {
    waived(s);
    s.warnings_allowed = true;
    s.allowed = {"WARNING in x", "WARNING in y"};
  };
  const auto negative = [](S& s) {
    s.passed.push_back("debian.previous");
    s.cells.push_back(
        {"debian.previous", false, "crashed", true, 3, 0, {sha256("c"), 70}, {.image = "debian"}});
  };
  const Row rows[] = {
      {"all is well", [](S&, P&) {}, ""},
      {"blocked", [](S& s, P&) { s.result = attest::TestResult::failed, s.verdict = "blocked"; },
       "'blocked'"},
      {"failed though passed", [](S& s, P&) { s.result = attest::TestResult::failed; }, "did not pass"},
      {"passed though blocked", [](S& s, P&) { s.verdict = "blocked"; }, "did not pass"},
      {"no verdict", [](S& s, P&) { s.verdict = "no-verdict"; }, "did not pass"},
      {"waived", [&](S& s, P&) { waived(s); }, "--allow-waived"},
      {"waived and taken", [&](S& s, P& p) { waived(s), p.allow_waived = true; }, ""},
      {"waived, taken and required",
       [&](S& s, P& p) { waived(s), p.allow_waived = true, p.require = {"debian*"}; }, ""},
      {"a policy that allows warnings, and none came", [](S& s, P&) { s.warnings_allowed = true; }, ""},
      {"allowed by the policy", [&](S& s, P&) { allowed(s); },
       "policy.warnings is 'allow', which let 'WARNING in x' and 1 more pass; --allow-warnings"},
      {"allowed by the policy, and waivers are taken", [&](S& s, P& p) { allowed(s), p.allow_waived = true; },
       "--allow-warnings"},
      {"allowed by the policy and taken", [&](S& s, P& p) { allowed(s), p.allow_warnings = true; }, ""},
      {"waived, and warnings are taken", [&](S& s, P& p) { waived(s), p.allow_warnings = true; },
       "--allow-waived"},
      {"allowed and waived, and warnings are taken",
       [&](S& s, P& p) { allowed(s), s.waived = p.allow_warnings = true; }, "--allow-waived"},
      {"allowed and waived, and both are taken",
       [&](S& s, P& p) { allowed(s), s.waived = p.allow_warnings = p.allow_waived = true; }, ""},
      {"unproved", [&](S& s, P& p) { waived(s), s.unproved = {"x"}, p.allow_waived = true; }, "-unproved"},
      {"unproved, taken", [&](S& s, P& p) { waived(s), s.unproved = {"x"}, p.allow_unproved = true; }, ""},
      {"PASSED with what was allowed", [](S& s, P&) { s.warnings_allowed = true, s.allowed = {"x"}; },
       "accepted or allowed"},
      {"PASSED with a waiver", [](S& s, P&) { s.waived = true; }, "accepted or allowed"},
      {"allowed by a policy that does not",
       [&](S& s, P& p) { allowed(s), p.allow_warnings = true, s.warnings_allowed = false; }, "'fail'"},
      {"a failed cell", [](S& s, P&) { s.failed = {"x"}; }, "failed cells"},
      {"a warned cell in PASSED", [](S& s, P&) { s.warned = {"x"}; }, "warned cells"},
      {"no cell", [](S& s, P&) { s.passed.clear(), s.cells.erase(s.cells.begin()); }, "no cell that passed"},
      {"a cell not recorded", [](S& s, P&) { s.passed.push_back("x"); }, "not the cells"},
      {"a cell not listed", [](S& s, P&) { s.passed = {"x"}; }, "not the cells"},
      {"a cell listed twice",
       [](S& s, P&) { s.passed.push_back(s.passed[0]), s.cells.push_back(s.cells[0]); }, "not the cells"},
      {"a cell that crashed", [](S& s, P&) { s.cells[0].outcome = "crashed"; }, "ended 'crashed'"},
      {"a control that crashed", [](S& s, P&) { s.cells[1].outcome = "crashed"; }, "ended 'crashed'"},
      {"no control", [](S& s, P&) { s.cells.pop_back(); }, "no control"},
      {"a boot missing", [](S& s, P&) { s.cells[0].boots_proved = 2; }, "2 of 3"},
      {"no boot at all", [](S& s, P&) { s.cells[0].boots_proved = s.cells[0].boots_wanted = 0; }, "0 of 0"},
      {"no journal", [](S& s, P&) { s.cells[0].journal = {}; }, "no journal"},
      {"a negative test beside", [&](S& s, P& p) { negative(s), p.min_boots = 3; }, ""},
      {"a negative test that is required", [&](S& s, P& p) { negative(s), p.require = {"debian.previous"}; },
       "'debian.previous'"},
      {"nothing but a negative test",
       [&](S& s, P&) { negative(s), s.passed = {"debian.previous"}, s.cells.erase(s.cells.begin()); },
       "no cell that passed"},
      {"a control that was to fail", [](S& s, P&) { s.cells[1].expected = true; }, "control"},
      {"a waived cell with a boot missing",
       [&](S& s, P& p) { waived(s), p.allow_waived = true, s.cells[0].boots_proved = 2; }, "2 of 3"},
      {"candidates that were never together", [](S& s, P&) { s.cells[0].held.boots_together = 0; },
       "no cell that passed has booted with the candidate driver and the candidate content together on image "
       "debian"},
      {"together in more boots than there were", [](S& s, P&) { s.cells[0].held.boots_together = 4; },
       "more boots with all candidates"},
      {"no candidate", [](S& s, P&) { s.cells[0].held.drivers = s.cells[0].held.contents = {"current"}; },
       "labelled 'candidate'"},
      {"a candidate on a machine where the two were never together",
       [](S& s, P&) {
         s.passed.push_back("debian.other");
         s.cells.push_back(s.cells[0]);
         s.cells.back().id = "debian.other";
         s.cells.back().held = {.image = "debian", .machine = "smp", .drivers = {"candidate"}};
       },
       "on image debian, machine smp"},
      {"a negative test that claims them together",
       [&](S& s, P&) {
         negative(s);
         std::swap(s.cells[0].held, s.cells.back().held);
       },
       "no cell that passed has booted"},
      {"age unasked", [](S&, P& p) { p.now += 1'000'000'000; }, ""},
      {"too old", [](S&, P& p) { p.max_age = 10min; }, "too old"},
      {"just young enough", [](S&, P& p) { p.max_age = 700s; }, ""},
      {"from the future", [](S&, P& p) { p.now = 1'700'000'299; }, "future"},
      {"a clock that is a little ahead", [](S&, P& p) { p.now = 1'700'000'300; }, ""},
      {"ended before it began", [](S& s, P&) { s.began = s.ended + 1; }, "before it began"},
      {"the same scenario", [](S&, P& p) { p.scenario_sha256 = sha256("scenario"); }, ""},
      {"another scenario", [](S&, P& p) { p.scenario_sha256 = sha256("other"); }, "another scenario"},
      {"a cell that is there",
       [](S&, P& p) {
         p.require = {"debian.*", "*candidate"};
       },
       ""},
      {"a cell that is not there",
       [](S&, P& p) {
         p.require = {"debian.*", "ubuntu*"};
       },
       "'ubuntu*'"},
      {"a control is no cell that passed", [](S&, P& p) { p.require = {"*.control"}; }, "'*.control'"},
      {"enough boots", [](S&, P& p) { p.min_boots = 3; }, ""},
      {"too few boots", [](S&, P& p) { p.min_boots = 4; }, "--min-boots"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    auto statement = good_statement();
    auto policy = soon;
    row.change(statement, policy);
    const std::string why = attest::objection(statement, policy).value_or("");
    if (row.reason.empty())
      CHECK(why == "");
    else
      CHECK_THAT(why, ContainsSubstring(row.reason));
    CHECK(why.find('\n') == std::string::npos);
  }
}

TEST_CASE("files and subjects must be the same set") {
  const auto statement = good_statement();
  const auto why = [&](const std::vector<attest::Resource>& files) {
    return attest::objection(statement, files).value_or("");
  };
  auto files = given();
  CHECK(why(files) == "");
  std::swap(files[0], files[1]);
  CHECK(why(files) == "");
  files[0].name = "another name";  // digests decide
  CHECK(why(files) == "");
  files.push_back(files[0]);
  CHECK(why(files) == "");
  files.push_back({"more", sha256("more")});
  CHECK_THAT(why(files), ContainsSubstring("'more' was not tested"));
  CHECK_THAT(why({given()[0]}), ContainsSubstring("'content.bin' was tested"));
  CHECK_THAT(why({}), ContainsSubstring("no given file"));
  auto nothing = good_statement();
  nothing.subjects.clear();
  CHECK_THAT(attest::objection(nothing, std::vector<attest::Resource>{}).value_or(""),
             ContainsSubstring("no artifact"));
}
