package alertmanager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	// Timeout bounds one question with its answer. An Alertmanager answers within
	// milliseconds, or has trouble.
	Timeout = 5 * time.Second
	// maxAnswer bounds an answer, in bytes. A silence or an alert has some 600, and
	// what is read of them is kept one by one.
	maxAnswer = 16 << 20
	// maxReason bounds what is shown of a refusal, in bytes.
	maxReason = 200
)

// Client asks one Alertmanager. It can be used by several goroutines.
type Client struct {
	base *url.URL
	http *http.Client
}

// New makes a client for the Alertmanager at an address, like http://localhost:9093
// or https://monitoring/alertmanager. transport carries the questions; nil is a plain
// one, without proxies.
func New(address string, transport http.RoundTripper) (*Client, error) {
	base, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("cannot read the URL of an Alertmanager: it is no URL; write it like http://localhost:9093")
	case base.User != nil: // it would stand in the environment, for whoever lists it
		return nil, fmt.Errorf("cannot use the Alertmanager %s: its URL holds a user; put basic_auth into the http_config file", base.Redacted())
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return nil, fmt.Errorf("cannot use the Alertmanager %q: expected a URL like http://localhost:9093", base.Redacted())
	}
	if transport == nil {
		transport = &http.Transport{
			DialContext: (&net.Dialer{Timeout: Timeout}).DialContext, MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		}
	}
	return &Client{base: base, http: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// stay follows no redirect: that of a POST would become a GET, and read as accepted.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Name is the address, without anything secret.
func (c *Client) Name() string { return c.base.Redacted() }

// Close gives up connections that are open and idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// question is what is asked.
type question struct {
	does   string // "post alerts to", for an error
	method string
	path   []string
	query  url.Values
	body   any // as JSON; nil is none
}

// ask asks, and hands the answer's body to read, if it was understood.
func (c *Client) ask(ctx context.Context, q question, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if err := c.try(ctx, q, read); err != nil {
		return fmt.Errorf("cannot %s Alertmanager %s: %w", q.does, c.Name(), err)
	}
	return nil
}

func (c *Client) try(ctx context.Context, q question, read func(io.Reader) error) error {
	request, err := c.request(ctx, q)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return refused(answer)
	}
	body := &bounded{answer.Body, maxAnswer}
	if err := read(body); err != nil {
		return unreachable(ctx, err)
	}
	_, err = io.Copy(io.Discard, body) // so that the connection can be used again
	return unreachable(ctx, err)
}

func (c *Client) request(ctx context.Context, q question) (*http.Request, error) {
	to := c.base.JoinPath(append([]string{"api", "v2"}, q.path...)...)
	to.RawQuery = q.query.Encode()
	var body io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, errors.New("it can't be written as JSON: a text is no UTF-8, or a time is beyond the year 9999")
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, q.method, to.String(), body)
	if err != nil {
		return nil, errors.New("it can't be asked: the URL is wrong")
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// nothing reads an answer of which nothing is wanted.
func nothing(io.Reader) error { return nil }

// bounded ends an answer that is too large with an error.
type bounded struct {
	from io.Reader
	left int64
}

var errTooLarge = errors.New("its answer is larger than 16 MiB")

func (b *bounded) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.from.Read(into[:min(int64(len(into)), b.left)])
	b.left -= int64(n)
	return n, err
}
