package front

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// tidy gives the data of a display the forms that Jupyter wants: text as text, JSON as a value rather than as its text, and all
// else in base64, once. What a program passes on as bytes GoNB has in base64, text and JSON as well.
func tidy(content json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	var data map[string]json.RawMessage
	if json.Unmarshal(content, &fields) != nil || json.Unmarshal(fields["data"], &data) != nil {
		return content
	}
	changed := false
	for kind, raw := range data {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			continue // a value already
		}
		if fixed, ok := tidyText(kind, text); ok {
			data[kind] = fixed
			changed = true
		}
	}
	if !changed {
		return content
	}
	fields["data"] = encodeJSON(data)
	return encodeJSON(fields)
}

// tidyText gives the right form for a text of some MIME type, if it has another one.
func tidyText(kind, text string) (json.RawMessage, bool) {
	kind, _, _ = strings.Cut(kind, ";")
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		if json.Valid([]byte(text)) {
			return json.RawMessage(text), true
		}
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && json.Valid(raw) {
			return raw, true
		}
	case strings.HasSuffix(kind, "+xml"):
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && utf8.Valid(raw) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<")) {
			return encodeJSON(string(raw)), true
		}
	case strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/") || kind == "application/pdf":
		once, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			break
		}
		if _, err := base64.StdEncoding.DecodeString(string(once)); err == nil && len(once) > 0 {
			return encodeJSON(string(once)), true // it was in base64 before
		}
	}
	return nil, false
}
