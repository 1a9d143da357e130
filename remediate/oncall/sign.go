package oncall

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"nightshift/remediate"
)

// Signed verbs decide what is done, or let it be done. The subject says who
// speaks; where a request came over a leaf node, that is only what the cluster's
// operator says. So these are signed as well, by the person's own key.
var signedVerbs = []string{Approve, Deny, Cancel, Freeze, Thaw, Breaker, Promote, Start, Run, Accept, Reload}

// NeedsSignature reports whether a verb is refused without one.
func NeedsSignature(verb string) bool { return slices.Contains(signedVerbs, verb) }

const (
	// signatureLasts bounds how far ahead a signature may expire.
	signatureLasts = 5 * time.Minute
	// signedFor is what [Client] asks for: as far from both ends as can be, so that
	// the clocks of two machines may differ by minutes.
	signedFor = signatureLasts / 2
)

// noncePattern is what a nonce looks like: base64url, at least 96 bits.
var noncePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// Person is who may speak: the inventory's, or the operator of this host.
type Person struct {
	// Key is the public half of their nkey, U….
	Key string
	// Approves is the greatest risk that they may approve.
	Approves remediate.Risk
}

// canonical is the text that is signed: one line each for all that makes the
// request what it is. The last part of the request stands as JSON without the
// members that have a line of their own; no line can hold a newline.
func canonical(verb, host, user string, r Request) (string, error) {
	if r.Signed == nil {
		return "", errors.New("cannot sign a request without a nonce")
	}
	signed := *r.Signed
	args := r
	args.Incident, args.Plan, args.Signed = "", "", nil
	text, err := remediate.EncodeJSON(args)
	if err != nil {
		return "", err
	}
	lines := []string{
		"nightshift", verb, host, user, r.Incident, r.Plan, string(text), signed.Nonce, signed.Expires.UTC().Format(time.RFC3339),
	}
	for _, line := range lines {
		if strings.ContainsAny(line, "\r\n") {
			return "", errors.New("cannot sign a request that has a line break where none belongs")
		}
	}
	return strings.Join(lines, "\n"), nil
}

// sign puts a person's signature on a request; now is the person's clock.
func sign(key nkeys.KeyPair, verb, host, user string, r Request, now time.Time) (Request, error) {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return r, fmt.Errorf("cannot sign: %w", err)
	}
	r.Signed = &Signed{
		Nonce: base64.RawURLEncoding.EncodeToString(nonce), Expires: now.Add(signedFor).UTC().Truncate(time.Second),
	}
	text, err := canonical(verb, host, user, r)
	if err != nil {
		return r, err
	}
	signature, err := key.Sign([]byte(text))
	if err != nil {
		return r, fmt.Errorf("cannot sign: %w", err)
	}
	r.Signed.Signature = encode(signature)
	return r, nil
}

// proof checks a signature and returns what the log keeps of it. The key is the
// one that the inventory has for the user whose subject it came on; nothing in
// the message has a say in that.
func (p Person) proof(verb, host, user string, r Request, now time.Time) (*remediate.Proof, error) {
	signed := r.Signed
	if signed == nil {
		return nil, fmt.Errorf("cannot %s without a signature: use `nightshift %s`, or sign as docs/nats.md says", verb, verb)
	}
	if err := signed.check(now); err != nil {
		return nil, fmt.Errorf("cannot %s: %w", verb, err)
	}
	if r.Incident != "" && !wholeID(r.Incident) {
		return nil, fmt.Errorf("cannot %s incident %q: a signature is for one incident by its whole ID", verb, remediate.Printable(r.Incident))
	}
	text, err := canonical(verb, host, user, r)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(signed.Signature)
	if err != nil {
		return nil, fmt.Errorf("cannot %s: the signature is no base64url without padding", verb)
	}
	key, err := nkeys.FromPublicKey(p.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot %s: the key of %s can't be used", verb, user)
	}
	if err := key.Verify([]byte(text), signature); err != nil {
		return nil, fmt.Errorf("cannot %s: the signature is not that of %s over this request", verb, user)
	}
	return &remediate.Proof{
		Key: p.Key, Nonce: signed.Nonce, Signature: signed.Signature, Expires: remediate.Instant{Wall: signed.Expires.UTC()},
	}, nil
}

// check finds what is wrong with a signature before it is read.
func (s *Signed) check(now time.Time) error {
	switch {
	case !noncePattern.MatchString(s.Nonce):
		return errors.New("expected a nonce of 16 to 64 characters of base64url")
	case s.Expires.Nanosecond() != 0:
		return errors.New("expected signed.expires in whole seconds")
	case !now.Before(s.Expires):
		return fmt.Errorf("the signature expired at %s; here it is %s", s.Expires.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case s.Expires.Sub(now) > signatureLasts:
		return fmt.Errorf("the signature may expire at most %s ahead; here it is %s", signatureLasts, now.UTC().Format(time.RFC3339))
	}
	return nil
}

// wholeID reports whether text is an incident's ID as the log has it.
func wholeID(text string) bool {
	id, err := remediate.ParseIDPrefix(text)
	return err == nil && len(id) == remediate.IDLength && id == text
}

// nonces are those that this process took, until they expire: also those of
// requests that came to nothing, which the log does not have. How many there can
// be is bounded by what was signed with a known key within 5 minutes.
type nonces struct {
	mu    sync.Mutex
	taken map[string]time.Time
}

// take reports whether a nonce was not taken before.
func (n *nonces) take(nonce string, expires, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for old, until := range n.taken {
		if !now.Before(until) {
			delete(n.taken, old)
		}
	}
	if _, ok := n.taken[nonce]; ok {
		return false
	}
	if n.taken == nil {
		n.taken = map[string]time.Time{}
	}
	n.taken[nonce] = expires
	return true
}

// encode is a signature as it travels.
func encode(signature []byte) string { return base64.RawURLEncoding.EncodeToString(signature) }
