package remediate

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// jsonOptions write durations as Go does ("1m30s"), so that a person can read the
// log, and map keys in order, so that equal values have equal text. Bytes of the
// world that are no UTF-8 become U+FFFD: they must not keep an event from the log.
var jsonOptions = json.JoinOptions(
	json.Deterministic(true),
	jsontext.AllowInvalidUTF8(true),
	json.WithMarshalers(json.JoinMarshalers(
		json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
			return enc.WriteToken(jsontext.String(d.String()))
		}),
		json.MarshalToFunc(func(enc *jsontext.Encoder, raw RawJSON) error {
			return enc.WriteValue(jsontext.Value(raw))
		}),
	)),
	json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(func(dec *jsontext.Decoder, d *time.Duration) error {
			var text string
			if err := json.UnmarshalDecode(dec, &text); err != nil {
				return err
			}
			parsed, err := time.ParseDuration(text)
			*d = parsed
			return err
		}),
		json.UnmarshalFromFunc(func(dec *jsontext.Decoder, raw *RawJSON) error {
			value, err := dec.ReadValue()
			*raw = RawJSON(value.Clone())
			return err
		}),
	)),
)

// EncodeJSON writes a value of this package as the log holds it.
func EncodeJSON(value any) ([]byte, error) {
	text, err := json.Marshal(value, jsonOptions)
	if err != nil {
		return nil, fmt.Errorf("cannot encode %T: %w", value, err)
	}
	return text, nil
}

// DecodeJSON reads what EncodeJSON wrote. Unknown fields are ignored: a newer
// agent may have written them.
func DecodeJSON(text []byte, into any) error {
	if err := json.Unmarshal(text, into, jsonOptions); err != nil {
		return fmt.Errorf("cannot decode %T: %w", into, err)
	}
	return nil
}

// DecodeStrict reads a message of a person: unknown members are refused, because
// a misspelt one must not be taken for something that was never said. No message
// at all is an empty one.
func DecodeStrict(text []byte, into any) error {
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into, jsonOptions, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("cannot decode %T: %w", into, err)
	}
	return nil
}
