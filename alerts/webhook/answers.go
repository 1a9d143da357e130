package webhook

import "net/http"

// answer is what a sender is told. Alertmanager reads the text into its log, so
// it is short, plain, and holds nothing of an alert but escaped names.
type answer struct {
	code  int
	text  string
	cause error // for our log only
}

// because is the answer with a cause.
func (a *answer) because(cause error) *answer { return &answer{a.code, a.text, cause} }

// All answers but one: that to a body which can't be decoded has its own text.
var (
	stored      = &answer{code: http.StatusOK, text: "stored"}
	nothingOurs = &answer{code: http.StatusOK, text: "nothing for this host"}

	brokenBody      = &answer{code: http.StatusBadRequest, text: "cannot read the body to its end"}
	unauthorized    = &answer{code: http.StatusUnauthorized, text: "a valid bearer token is required"}
	notFound        = &answer{code: http.StatusNotFound, text: "post to " + Path}
	onlyPost        = &answer{code: http.StatusMethodNotAllowed, text: "only POST is allowed"}
	slowBody        = &answer{code: http.StatusRequestTimeout, text: "the body did not come in time"}
	bodyTooLarge    = &answer{code: http.StatusRequestEntityTooLarge, text: "the body is larger than 8 MiB: set max_alerts"}
	tooLargeToStore = &answer{code: http.StatusRequestEntityTooLarge, text: "the alerts are too large to be stored: set max_alerts"}
	encoded         = &answer{code: http.StatusUnsupportedMediaType, text: "no Content-Encoding but identity is supported"}
	notJSON         = &answer{code: http.StatusUnsupportedMediaType, text: "the Content-Type must be application/json"}

	tooManyInFlight = &answer{code: http.StatusServiceUnavailable, text: "too many requests in flight"}
	tooMuchAtOnce   = &answer{code: http.StatusServiceUnavailable, text: "too much is being received"}
	noToken         = &answer{code: http.StatusServiceUnavailable, text: "cannot read the token file"}
	notStored       = &answer{code: http.StatusServiceUnavailable, text: "cannot store the alerts"}
	overloaded      = &answer{code: http.StatusServiceUnavailable, text: "too many alerts wait to be dealt with"}
	shuttingDown    = &answer{code: http.StatusServiceUnavailable, text: "shutting down"}
)

// answers is the list that the documentation and the metrics are held to.
var answers = []*answer{
	stored, nothingOurs,
	brokenBody, unauthorized, notFound, onlyPost, slowBody, bodyTooLarge, tooLargeToStore, encoded, notJSON,
	tooManyInFlight, tooMuchAtOnce, noToken, notStored, overloaded, shuttingDown,
}

func undecodable(err error) *answer { return &answer{code: http.StatusBadRequest, text: err.Error()} }

var (
	plainText = []string{"text/plain; charset=utf-8"}
	nosniff   = []string{"nosniff"}
)

// refuseUnread answers before the body has been read. The connection goes with
// it: else the server would first read on, at the sender's pace.
func (h *Handler) refuseUnread(w http.ResponseWriter, r *http.Request, a *answer) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
	switch a {
	case onlyPost:
		w.Header().Set("Allow", http.MethodPost)
	case unauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="nightshift"`) // RFC 6750, 3
	}
	h.answer(w, r, a)
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, a *answer) {
	if a == stored {
		call(h.opts.Hooks.BeforeAnswer)
	}
	h.opts.Metrics.answered(a.code)
	header := w.Header()
	header["Content-Type"], header["X-Content-Type-Options"] = plainText, nosniff
	w.WriteHeader(a.code)
	_, _ = w.Write([]byte(a.text + "\n")) // a sender that is gone will come again
	if a == stored {
		h.answered(w)
		return
	}
	if a != nothingOurs {
		h.complain.about(a, r.RemoteAddr, h.opts.Now())
	}
}

// answered makes sure that the answer is on its way before the hook says so.
func (h *Handler) answered(w http.ResponseWriter) {
	if h.opts.Hooks.AfterAnswer != nil {
		_ = http.NewResponseController(w).Flush()
		h.opts.Hooks.AfterAnswer()
	}
}
