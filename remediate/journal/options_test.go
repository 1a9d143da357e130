package journal

import (
	"strings"
	"testing"
)

func TestBadOptionsAreRefusedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no directory":         {func(o *Options) { o.Dir = "" }, "set NIGHTSHIFT_STATE_DIR"},
		"no host":              {func(o *Options) { o.Host = "" }, `cannot use host name ""`},
		"a host with a dot":    {func(o *Options) { o.Host = "rave.1" }, "expected 1 to 63 of a-z, 0-9 and -"},
		"a wildcard as host":   {func(o *Options) { o.Host = "*" }, "expected 1 to 63"},
		"a host in capitals":   {func(o *Options) { o.Host = "RAVE" }, "expected 1 to 63"},
		"a long host":          {func(o *Options) { o.Host = strings.Repeat("a", 64) }, "expected 1 to 63"},
		"no port":              {func(o *Options) { o.Listen = "127.0.0.1" }, "expected HOST:PORT"},
		"a port by name":       {func(o *Options) { o.Listen = "127.0.0.1:nats" }, "expected a port from 0 to 65535"},
		"everybody, no TLS":    {func(o *Options) { o.Listen = ":9798" }, "without TLS: set NIGHTSHIFT_NATS_TLS_CERT_FILE"},
		"elsewhere, no TLS":    {func(o *Options) { o.Listen = "192.0.2.1:9798" }, "without TLS"},
		"a certificate alone":  {func(o *Options) { o.Listen, o.TLSCert = "127.0.0.1:0", "c.pem" }, "expected both"},
		"a missing key file":   {func(o *Options) { o.Listen, o.TLSCert, o.TLSKey = "127.0.0.1:0", "c.pem", "k.pem" }, "cannot use NIGHTSHIFT_NATS_TLS_CERT_FILE"},
		"a group without name": {func(o *Options) { o.Group = "no-such-group-here" }, "there is no such group"},
		"no clock":             {func(o *Options) { o.Now = nil }, "needs a clock"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newAgent().options(t.TempDir())
			c.change(&o)
			j, err := Open(t.Context(), o)
			if err == nil {
				_ = j.abandon()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
		})
	}
}
