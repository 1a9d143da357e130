package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// unreachable says why there was no answer, or none that can be read, and what to
// do. The URL that net/http puts before an error is left out: it has been named, and
// what it holds may be secret.
func unreachable(ctx context.Context, err error) error {
	if outer := new(url.Error); errors.As(err, &outer) {
		err = outer.Err
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s; is it running, and not overloaded?", Timeout)
	case errors.Is(err, errTooLarge), errors.Is(err, errTooMany), errors.Is(err, errNotOurs):
		return err
	}
	return fmt.Errorf("%w; is it running, and is its URL in NIGHTSHIFT_ALERTMANAGER_URL right?", err)
}

// advice says what to do about an answer.
func advice(code int) string {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return "give it credentials by NIGHTSHIFT_HTTP_CLIENT_CONFIG"
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed:
		return "does its URL lack a path prefix (--web.route-prefix), and is it 0.16 or newer?"
	case code/100 == 3:
		return "name the URL that it redirects to"
	case code/100 == 5:
		return "see its log, or that of the proxy before it"
	}
	return "see its log"
}

// refused says what was answered in place of a yes.
func refused(answer *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxReason)) // what can't be read isn't shown
	if len(text) == 0 {
		return fmt.Errorf("it answers %d; %s", answer.StatusCode, advice(answer.StatusCode))
	}
	return fmt.Errorf("it answers %d %+q; %s", answer.StatusCode, text, advice(answer.StatusCode))
}
