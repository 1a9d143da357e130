package remediate

import "regexp"

// blot is what stands where something looked like a secret.
const blot = "[redacted]"

// secrets are what secrets look like in logs; the first group stays, to tell what
// was there. This catches what programs log by carelessness, not what somebody
// hides: evidence is still to be kept from who may not read the journal.
var secrets = []*regexp.Regexp{
	// A private key, on one line or several.
	regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
	// The userinfo of a URL (RFC 3986, 3.2.1), as in postgres://user:pass@host.
	regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]*:[^/\s]*@`),
	// Credentials of HTTP (RFC 9110, 11.4).
	regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}`),
	// name=value, name: value, "name":"value" where the name says what it is.
	regexp.MustCompile(`(?i)([\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|credential)s?["']?\s*[=:]\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&}\]]+)`),
	// Tokens that tell themselves: JSON web tokens (RFC 7519), GitLab's, GitHub's.
	regexp.MustCompile(`()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`),
	regexp.MustCompile(`()\b(?:glpat-|gldt-|glrt-|gh[opsur]_|github_pat_)[A-Za-z0-9_-]{16,}`),
}

// Redact blots out what looks like a secret.
func Redact(text string) string {
	for _, secret := range secrets {
		text = secret.ReplaceAllString(text, "${1}"+blot)
	}
	return text
}
