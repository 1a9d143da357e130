package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// maxToken is the longest token, in bytes: it has to fit into a header.
const maxToken = 4 << 10

// tokenFile is the file with the bearer token. Only the token's hash is kept in
// memory: hashes have one length, so that comparing them tells nothing.
type tokenFile struct {
	path string

	mu   sync.Mutex
	info os.FileInfo // of the file as it was read
	hash [sha256.Size]byte
}

// openToken reads the file for the first time.
func openToken(path string) (*tokenFile, error) {
	t := &tokenFile{path: path}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t, nil
}

// allows tells whether the values of the header Authorization are one, and that
// one shows the token. The error says why the token is not known: the file has
// changed and can't be read.
func (t *tokenFile) allows(authorization []string) (bool, error) {
	want, err := t.current()
	if err != nil || len(authorization) != 1 {
		return false, err
	}
	scheme, shown, _ := strings.Cut(authorization[0], " ")
	got := sha256.Sum256([]byte(shown))
	equal := subtle.ConstantTimeCompare(got[:], want[:]) == 1
	return equal && strings.EqualFold(scheme, "Bearer"), nil
}

// current is the hash of the token that is in the file now.
func (t *tokenFile) current() ([sha256.Size]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := os.Stat(t.path)
	if err != nil {
		t.info = nil
		return t.hash, fmt.Errorf("cannot read the webhook token: %w", err)
	}
	if t.info == nil || !same(info, t.info) {
		return t.hash, t.read()
	}
	return t.hash, nil
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read takes the token from the file; after an error it will be tried again.
func (t *tokenFile) read() error {
	t.info = nil
	f, err := os.Open(t.path)
	if err != nil {
		return fmt.Errorf("cannot read the webhook token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("cannot read the webhook token: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return fmt.Errorf("cannot read the webhook token: %w", err)
	}
	token, err := parseToken(string(text))
	if err != nil {
		return fmt.Errorf("cannot use the webhook token in %q: %w", t.path, err)
	}
	t.hash, t.info = sha256.Sum256([]byte(token)), info
	return nil
}

// parseToken takes the space around a token off.
func parseToken(text string) (string, error) {
	token := strings.TrimSpace(text)
	switch {
	case token == "":
		return "", errors.New("the file is empty, it must hold one line with the token that Alertmanager sends")
	case len(text) > maxToken:
		return "", fmt.Errorf("the file is longer than %d bytes, it must hold one line with the token", maxToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("it must be one line of printable ASCII without spaces")
	}
	return token, nil
}
