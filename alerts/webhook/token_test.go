package webhook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/webhook"
)

// with is a good request that shows another token.
func (s *site) with(token string) int {
	r := post(notification())
	r.Header.Set("Authorization", "Bearer "+token)
	return s.serve(r).Code
}

func TestTheTokenFileIsReadAgainWhenItChanges(t *testing.T) {
	s := newSite(t)
	expect := func(when, token string, code int) {
		t.Helper()
		if got := s.with(token); got != code {
			t.Errorf("%s: the token %q is answered %d, want %d", when, token, got, code)
		}
	}
	expect("at first", token, 200)

	write(t, s.token, "second-token\n")
	expect("written in place", "second-token", 200)
	expect("written in place", token, 401)

	write(t, s.token+".new", "third-token!")
	if err := os.Rename(s.token+".new", s.token); err != nil {
		t.Fatal(err)
	}
	expect("replaced", "third-token!", 200)
	expect("replaced", "second-token", 401)

	// The same length, in the same file: only its time tells.
	write(t, s.token, "fourth-token")
	if err := os.Chtimes(s.token, time.Time{}, t0); err != nil {
		t.Fatal(err)
	}
	expect("with another time", "fourth-token", 200)

	write(t, s.token, "")
	expect("emptied", "fourth-token", 503)
	expect("emptied", "", 503)
	if err := os.Remove(s.token); err != nil {
		t.Fatal(err)
	}
	expect("removed", "fourth-token", 503)
	write(t, s.token, "fifth-token")
	expect("there again", "fifth-token", 200)

	for _, entry := range s.entries(t) {
		for _, value := range entry {
			if text, ok := value.(string); ok && strings.Contains(text, "-token") {
				t.Errorf("the log shows a token: %v", entry)
			}
		}
	}
}

func TestATokenFileThatCannotBeUsedIsAnErrorAtStart(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "the file is empty, it must hold one line with the token",
		" \n\t\n":                 "the file is empty",
		"two words":               "it must be one line of printable ASCII without spaces",
		"two\nlines":              "it must be one line",
		"pässword":                "printable ASCII",
		strings.Repeat("x", 5000): "the file is longer than 4096 bytes",
	} {
		path := filepath.Join(t.TempDir(), "token")
		write(t, path, text)
		_, err := newHandler(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q: error = %v, want the path and %q", text, err, want)
		}
		if secret := strings.Fields(text); err != nil && len(secret) > 0 && strings.Contains(err.Error(), secret[0]+" ") {
			t.Errorf("the error shows the token: %v", err)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := newHandler(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing file: error = %v, want its path", err)
	}
}

func newHandler(tokenFile string) (*webhook.Handler, error) {
	return webhook.New(webhook.Options{
		Store: &memory{}, Mine: func(alerts.Alert) bool { return true }, TokenFile: tokenFile,
	})
}
