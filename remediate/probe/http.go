package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
)

// HTTPOptions say what is asked, and what is a healthy answer.
type HTTPOptions struct {
	Name string
	URL  string
	// Method is GET if empty. A POST sends Body as application/json.
	Method, Body string
	// Expect are the healthy statuses; 200 if there are none.
	Expect []int
	// JSON is what fields of the answer must be, by their dotted path.
	JSON map[string]string
	// CAFile holds the certificates to trust, in PEM; those of the system if
	// empty. ServerName is the name to expect, if it is not that of the URL.
	CAFile, ServerName string
	// TokenFile holds a token, one line, that is sent in Header. It is read for
	// every question.
	TokenFile, Header string
	// Uncounted, if set, is told of the errors that the question itself provokes.
	Uncounted Uncounter
	// Timeout is [DefaultTimeout] if 0.
	Timeout time.Duration
}

// Uncounter keeps an error out of a count that somebody provokes on purpose.
type Uncounter interface {
	// Uncounted calls request, which reports whether it provoked an error.
	Uncounted(ctx context.Context, request func() (provoked bool))
}

// HTTP asks a URL and looks at the status.
type HTTP struct {
	o     HTTPOptions
	trust trust
}

// NewHTTP makes a probe that asks a URL.
func NewHTTP(o HTTPOptions) *HTTP {
	if o.Method == "" {
		o.Method = http.MethodGet
	}
	if len(o.Expect) == 0 {
		o.Expect = []int{http.StatusOK}
	}
	return &HTTP{o: o, trust: trust{path: o.CAFile}}
}

// Probe asks once. Redirects are not followed, proxies not used, and the
// connection is not kept: each question finds what a new user would.
func (h *HTTP) Probe(ctx context.Context) remediate.Observation {
	var seen remediate.Observation
	request := func() (provoked bool) {
		seen = ask(ctx, h.o.Name, h.o.Timeout, func(ctx context.Context) answer {
			got, status := h.look(ctx)
			provoked = status >= http.StatusBadRequest
			return got
		})
		return provoked
	}
	if h.o.Uncounted == nil {
		request()
	} else {
		h.o.Uncounted.Uncounted(ctx, request)
	}
	return seen
}

// look asks, and returns the status beside the answer; 0 if there was none.
func (h *HTTP) look(ctx context.Context) (answer, int) {
	token, err := readToken(h.o.TokenFile)
	if err != nil {
		return unknown("%v", err), 0
	}
	config, err := h.trust.config(h.o.ServerName)
	if err != nil {
		return unknown("%v", err), 0
	}
	request, err := h.request(ctx, token)
	if err != nil {
		return unknown("cannot ask: %s", reason(err)), 0
	}
	client, hangUp := newClient(config)
	defer hangUp()
	response, err := client.Do(request)
	if err != nil {
		return judge(ctx, err), 0
	}
	defer response.Body.Close()
	return h.judge(response, token), response.StatusCode
}

// judge holds an answer against what is expected.
func (h *HTTP) judge(response *http.Response, token string) answer {
	if !slices.Contains(h.o.Expect, response.StatusCode) {
		return unhealthy("got %s, expected %s\n%s", response.Status, oneOf(h.o.Expect), excerpt(response.Body, token))
	}
	if len(h.o.JSON) == 0 {
		return healthy("%s", response.Status)
	}
	if wrong, text := says(response.Body, h.o.JSON); wrong != "" {
		return unhealthy("%s, and %s\n%s", response.Status, wrong, excerpt(bytes.NewReader(text), token))
	}
	return healthy("%s, and it says what is expected", response.Status)
}

// request is what is sent.
func (h *HTTP) request(ctx context.Context, token string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, h.o.Method, h.o.URL, strings.NewReader(h.o.Body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "nightshift")
	if h.o.Body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set(h.o.Header, token)
	}
	return request, nil
}

// maxHeader bounds the headers of an answer, in bytes.
const maxHeader = 64 << 10

// newClient is a client for one question, and what ends its connections.
func newClient(config *tls.Config) (client *http.Client, hangUp func()) {
	transport := &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        config,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: stay}, transport.CloseIdleConnections
}

// maxToken bounds a token, in bytes: what proxies let through as a header.
const maxToken = 4 << 10

// readToken reads the one line of a token file; no file is no token. What is in
// the file is in no error.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the token file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("cannot read the token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || len(text) > maxToken || strings.ContainsFunc(token, notInHeader) {
		return "", errors.New("cannot use the token file " + path + ": expected one line of up to 4 KiB")
	}
	return token, nil
}

// notInHeader tells what no header can hold: RFC 9110, section 5.5.
func notInHeader(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// maxExcerpt bounds what is read of a wrong answer, in bytes. Brief cuts it to
// less; the rest is for what that takes out.
const maxExcerpt = 2 << 10

// excerpt is the begin of a body, without what looks like a secret and without the
// token: some services echo what they were sent.
func excerpt(body io.Reader, token string) string {
	text, _ := io.ReadAll(io.LimitReader(body, maxExcerpt))
	if token != "" {
		text = bytes.ReplaceAll(text, []byte(token), []byte("[token]"))
	}
	return remediate.Redact(string(text))
}

// oneOf lists statuses as a sentence does.
func oneOf(statuses []int) string {
	words := make([]string, len(statuses))
	for i, status := range statuses {
		words[i] = fmt.Sprint(status)
	}
	return strings.Join(words, " or ")
}
