#include "util/secrets.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "util/text.hpp"

namespace sweep {

namespace {

using View = std::string_view;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return is_lower(c) || is_upper(c);
}
bool is_name_char(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_quote(char c) {
  return c == '"' || c == '\'';
}

bool equal_ignoring_case(View a, View lower) {
  return ascii_lower(std::string(a)) == lower;
}

template <std::size_t N>
bool contains(const std::array<View, N>& all, View word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

/// A token that is recognized by how it begins. `least`: the number of characters that must follow.
struct TokenForm {
  View begins;
  std::size_t least;
};

// hf_transfer and sk-learn are not tokens: see looks_random().
constexpr std::array kTokenForms = {
    TokenForm{"hf_", 3},      TokenForm{"api_org_", 8},    TokenForm{"sk-", 3},
    TokenForm{"sk_live_", 3}, TokenForm{"rk_live_", 3},    TokenForm{"ghp_", 3},
    TokenForm{"gho_", 3},     TokenForm{"ghu_", 3},        TokenForm{"ghs_", 3},
    TokenForm{"ghr_", 3},     TokenForm{"github_pat_", 3}, TokenForm{"glpat-", 3},
    TokenForm{"AKIA", 4},     TokenForm{"ASIA", 8},        TokenForm{"xoxa-", 3},
    TokenForm{"xoxb-", 3},    TokenForm{"xoxp-", 3},       TokenForm{"xoxr-", 3},
    TokenForm{"xoxs-", 3},    TokenForm{"nvapi-", 3},      TokenForm{"AIza", 12},
    TokenForm{"ya29.", 8},    TokenForm{"dckr_pat_", 3},   TokenForm{"npm_", 20},
    TokenForm{"pypi-", 20},   TokenForm{"gsk_", 8},        TokenForm{"r8_", 12},
    TokenForm{"xai-", 8},     TokenForm{"eyJ", 16},        TokenForm{"SG.", 16},
    TokenForm{"ATATT", 12},   TokenForm{"wandb_v1_", 3}};

bool is_token_char(char c) {
  return is_name_char(c) || c == '+' || c == '/' || c == '~';
}

/// Returns true if the text has a digit or an upper-case letter, as every real token has.
bool looks_random(View text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return is_digit(c) || is_upper(c); });
}

/// Returns the length of a token of known form at the beginning of `text`; 0 if there is none.
std::size_t token_length(View text) {
  for (const TokenForm& form : kTokenForms) {
    if (!text.starts_with(form.begins)) continue;
    std::size_t end = form.begins.size();
    while (end < text.size() && is_token_char(text[end]))
      ++end;
    const View rest = text.substr(form.begins.size(), end - form.begins.size());
    if (rest.size() >= form.least && looks_random(rest)) return end;
  }
  return 0;
}

/// Where a value stands in a text: behind its opening quote, if it has one, up to the closing one.
struct Span {
  std::size_t begin, end;
};

/// Returns true if a value without quotes ends at `at`: a separator ends it only if another item follows.
bool ends_value(View text, std::size_t at) {
  const char c = text[at];
  if (is_blank(c) || is_quote(c) || c == '`' || c == '<' || c == '>' || c == '|') return true;
  const bool separator = c == ',' || c == ';' || c == '&' || c == ')' || c == ']' || c == '}' || c == '\\';
  if (!separator) return false;
  std::size_t next = at + 1;
  if (next == text.size() || is_blank(text[next]) || is_quote(text[next])) return true;
  if (View(")]},;").find(text[next]) != View::npos) return true;
  while (next < text.size() && is_name_char(text[next]))
    ++next;
  return next > at + 1 && next < text.size() && text[next] == '=';
}

/// Returns the value that begins at `from`, after opening brackets and quotes (which may be escaped).
Span value_at(View text, std::size_t from) {
  if (text.substr(from).starts_with(kSet)) return {from, from + kSet.size()};
  std::size_t open = from;
  while (open < text.size() && View("[({").find(text[open]) != View::npos)
    ++open;
  std::size_t quote = open;
  while (quote < text.size() && text[quote] == '\\')
    ++quote;
  if (quote < text.size() && is_quote(text[quote])) {
    const View closing = text.substr(open, quote + 1 - open);
    const std::size_t begin = quote + 1;
    std::size_t end = text.find(closing, begin);
    while (end != View::npos && closing.size() == 1 && text[end - 1] == '\\')
      end = text.find(closing, end + 1);
    return {begin, end == View::npos ? text.size() : end};
  }
  std::size_t end = from;
  while (end < text.size() && !ends_value(text, end))
    ++end;
  return {from, end};
}

/// Returns true if a value is not secret in itself: empty, a reference to a variable, or a word for "none".
bool is_placeholder(View value) {
  if (value.empty() || value == kSet) return true;
  constexpr auto kWords = std::to_array<View>({"none", "null", "true", "false", "yes", "no"});
  if (contains(kWords, ascii_lower(std::string(value)))) return true;
  if (value[0] != '$' || value.size() < 2) return false;
  const bool braces = value[1] == '{' && value.back() == '}';
  const View name = braces ? value.substr(2, value.size() - 3) : value.substr(1);
  return !name.empty() && (is_letter(name[0]) || name[0] == '_') &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

bool names_scheme(View word) {
  constexpr auto kSchemes = std::to_array<View>({"bearer", "basic", "token", "digest", "apikey"});
  return contains(kSchemes, ascii_lower(std::string(word)));
}

bool names_header(View name) {
  constexpr auto kHeaders =
      std::to_array<View>({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"});
  return contains(kHeaders, ascii_lower(std::string(name)));
}

// How far an @ is searched, so that the time is linear in the length of the text.
constexpr std::size_t kLongestUser = 4096;

/// Passes over a text once and copies it without its secrets.
class Scan {
 public:
  explicit Scan(View text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (!skip_private_key() && !skip_user() && !read_name()) copy_to(at_ + 1);
    }
    return std::move(out_);
  }

 private:
  void copy_to(std::size_t end) {
    out_ += text_.substr(at_, end - at_);
    at_ = end;
  }
  void replace(Span span) {
    copy_to(span.begin);
    const View value = text_.substr(span.begin, span.end - span.begin);
    out_ += is_placeholder(value) ? value : kSet;
    at_ = span.end;
  }
  View line_after(std::size_t from) const {
    return text_.substr(from, std::min(text_.find('\n', from), text_.size()) - from);
  }
  std::size_t after_blanks(std::size_t from) const {
    while (from < text_.size() && (text_[from] == ' ' || text_[from] == '\t'))
      ++from;
    return from;
  }

  /// Replaces -----BEGIN … PRIVATE KEY----- up to its end.
  bool skip_private_key() {
    constexpr View kBegin = "-----BEGIN ", kEnd = "-----END ";
    if (!text_.substr(at_).starts_with(kBegin)) return false;
    const View line = line_after(at_);
    if (line.find("PRIVATE KEY") == View::npos) return false;
    const std::size_t end = text_.find(kEnd, at_ + kBegin.size());
    const std::size_t dashes = end == View::npos ? end : text_.find("-----", end + kEnd.size());
    out_ += kSet;
    at_ = dashes == View::npos ? text_.size() : dashes + View("-----").size();
    return true;
  }

  /// Replaces what stands between :// and @ in a URL.
  bool skip_user() {
    constexpr View kMark = "://";
    if (!text_.substr(at_).starts_with(kMark)) return false;
    const std::size_t begin = at_ + kMark.size();
    std::size_t end = begin;
    const std::size_t limit = std::min(text_.size(), begin + kLongestUser);
    while (end < limit && !is_blank(text_[end]) && !is_quote(text_[end]) && text_[end] != '<')
      ++end;
    const std::size_t at = user_end(text_.substr(begin, end - begin));
    copy_to(begin);
    if (at != View::npos) {
      out_ += kSet;
      at_ = begin + at;
    }
    return true;
  }

  /// Returns the position of the @ after user and password in what follows ://; npos if there are none. A
  /// password may contain unescaped slashes: "u:a/b@host" has no port after its colon.
  static std::size_t user_end(View rest) {
    const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
    const std::size_t at = rest.substr(0, path).rfind('@');
    if (at != View::npos) return at;
    const std::size_t colon = rest.substr(0, path).rfind(':');
    if (colon == View::npos || rest[0] == '[') return View::npos;
    const View port = rest.substr(colon + 1, path - colon - 1);
    return std::all_of(port.begin(), port.end(), is_digit) && !port.empty() ? View::npos : rest.rfind('@');
  }

  /// Reads a name or token and what belongs to it. Returns false if none begins here.
  bool read_name() {
    if (!is_letter(text_[at_]) && text_[at_] != '_') return false;
    if (const std::size_t length = token_length(text_.substr(at_)); length > 0) {
      out_ += kSet;
      at_ += length;
      return true;
    }
    if (skip_user_without_scheme()) return true;
    std::size_t end = at_;
    while (end < text_.size() && is_name_char(text_[end]))
      ++end;
    const View name = text_.substr(at_, end - at_);
    const bool option = at_ >= 2 && text_[at_ - 1] == '-' && text_[at_ - 2] == '-';
    copy_to(end);
    if (equal_ignoring_case(name, "bearer")) return replace_next_word(), true;
    if (names_header(name) && replace_header()) return true;
    if (names_secret(name)) replace_value_of(name, option);
    return true;
  }

  /// Replaces user:password in user:password@host. NAME:TAG@sha256:… is an image.
  bool skip_user_without_scheme() {
    std::size_t end = at_;
    const std::size_t limit = std::min(text_.size(), at_ + kLongestUser);
    while (end < limit && !is_blank(text_[end]) && !is_quote(text_[end]) && text_[end] != ',')
      ++end;
    const View word = text_.substr(at_, end - at_);
    const std::size_t at = word.rfind('@'), colon = word.find(':');
    if (at == View::npos || colon == View::npos || colon > at || at + 1 == word.size()) return false;
    const View after = word.substr(at + 1), user = word.substr(0, colon);
    if (after.starts_with("sha256:") || after.starts_with("sha512:")) return false;
    if (word.substr(colon, at - colon).find('/') != View::npos ||
        !std::all_of(user.begin(), user.end(), is_name_char))
      return false;
    if (!is_letter(after[0]) && !is_digit(after[0]) && after[0] != '[') return false;
    out_ += kSet;
    at_ += at;
    return true;
  }

  /// Replaces the word after Bearer, which is copied already. "bearer token" in a sentence is kept.
  void replace_next_word() {
    const std::size_t begin = after_blanks(at_);
    if (begin == at_ || begin == text_.size()) return;
    const Span span = value_at(text_, begin);
    const View word = text_.substr(span.begin, span.end - span.begin);
    if (equal_ignoring_case(word, "token") || equal_ignoring_case(word, "authentication")) return;
    replace(span);
  }

  /// Replaces the value of a header such as Authorization: up to a quote or the end of the line.
  bool replace_header() {
    std::size_t begin = at_;
    while (begin < text_.size() && (is_quote(text_[begin]) || text_[begin] == '\\'))
      ++begin;
    begin = after_blanks(begin);
    if (begin >= text_.size() || text_[begin] != ':') return false;
    begin = after_blanks(begin + 1);
    while (begin < text_.size() && (is_quote(text_[begin]) || text_[begin] == '\\'))
      ++begin;
    std::size_t end = begin;
    while (end < text_.size() && text_[end] != '\n' && !is_quote(text_[end]) && text_[end] != '\\')
      ++end;
    replace({begin, end});
    return true;
  }

  /// Replaces the value that follows a name, which is copied already: after =, after a colon (see below), and
  /// after a blank if the name is that of an option.
  void replace_value_of(View name, bool option) {
    std::size_t next = at_;
    while (next < text_.size() && (is_quote(text_[next]) || text_[next] == '\\'))
      ++next;
    const bool quoted_name = next > at_;
    next = after_blanks(next);
    if (next >= text_.size()) return;
    const char sign = text_[next];
    if (sign == '=' && next + 1 < text_.size() && text_[next + 1] != '=')
      return replace_scheme_and_value(after_blanks(next + 1));
    if (sign == ':') return replace_after_colon(name, quoted_name, after_blanks(next + 1));
    if (option && next > at_ && !text_.substr(next).starts_with("--")) replace(value_at(text_, next));
  }

  void replace_scheme_and_value(std::size_t from) {
    Span span = value_at(text_, from);
    if (names_scheme(text_.substr(span.begin, span.end - span.begin)) && span.end < text_.size() &&
        text_[span.end] == ' ') {
      copy_to(span.end);
      span = value_at(text_, after_blanks(span.end));
    }
    replace(span);
  }

  /// Replaces "name": "value", name: "value", and name: value at the end of a line. Sentences such as
  /// "unexpected token: 'x'" are kept.
  void replace_after_colon(View name, bool quoted_name, std::size_t from) {
    if (from >= text_.size()) return;
    const Span span = value_at(text_, from);
    const bool quoted_value = span.begin > from;
    const bool common_word = name.find_first_of("_-") == View::npos && !is_long_name(name);
    const std::size_t rest = after_blanks(span.end);
    const bool alone = rest >= text_.size() || !is_letter(text_[rest]);
    if (quoted_name ? quoted_value : !common_word && (quoted_value || alone)) replace(span);
  }

  static bool is_long_name(View name) {
    const std::string upper = ascii_upper(std::string(name));
    return upper.ends_with("PASSWORD") || upper.ends_with("PASSPHRASE") || upper.ends_with("SECRET") ||
           upper.ends_with("APIKEY");
  }

  View text_;
  std::size_t at_ = 0;
  std::string out_;
};

/// Returns the words of a name in upper case.
std::vector<std::string> words_of(View name) {
  std::string text = ascii_upper(std::string(name));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return split(text, '_');
}

}  // namespace

bool names_secret(std::string_view name) {
  constexpr auto kEnds = std::to_array<View>(
      {"TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD", "APIKEY", "ACCESSKEY",
       "PRIVATEKEY", "CREDENTIAL", "CREDENTIALS", "COOKIE", "AUTHTOKEN", "AUTHORIZATION"});
  constexpr auto kWords =
      std::to_array<View>({"KEY", "AUTH", "PAT", "PIN", "PW", "CREDS", "CRED", "JWT", "OTP"});
  constexpr auto kNotSecret =
      std::to_array<View>({"IDS", "FILE", "PATH", "DIR", "DTYPE", "LEN", "LENGTH", "COUNT", "LIMIT", "SIZE",
                           "BUCKET", "TYPE", "HEADS", "MODE"});
  const auto words = words_of(name);
  const std::string& last = words.back();
  if (contains(kNotSecret, last)) return false;
  if (last == "ID" && words.size() > 1 && words[words.size() - 2] == "TOKEN") return false;
  if (last == "KEYS" && words.size() > 1) return true;
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return contains(kWords, word) ||
           std::any_of(kEnds.begin(), kEnds.end(), [&](View end) { return word.ends_with(end); });
  });
}

std::string without_secrets(std::string_view text) {
  return Scan(text).run();
}

}  // namespace sweep
