package front

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// message is one of the Jupyter protocol: https://jupyter-client.readthedocs.io/en/stable/messaging.html. What is only
// passed on stays as it came.
type message struct {
	identities                        [][]byte
	header, parent, metadata, content json.RawMessage
	buffers                           [][]byte

	head header // of header
}

// header is what the kernel needs to know of a message's header.
type header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// protocolVersion is the one this kernel speaks: kernel_info_reply has all that 5.4 asks for, and cursors count characters.
const protocolVersion = "5.4"

const delimiter = "<IDS|MSG>"

var emptyObject = json.RawMessage("{}")

// decode reads the frames of a message and checks its signature; an empty key means that nothing is signed.
func decode(frames [][]byte, key []byte) (message, error) {
	var m message
	i := 0
	for i < len(frames) && string(frames[i]) != delimiter {
		i++
	}
	if len(frames) < i+6 {
		return m, errors.New("a message lacks parts")
	}
	if len(key) > 0 && !hmac.Equal([]byte(signature(key, frames[i+2:i+6])), frames[i+1]) {
		return m, errors.New("the signature of a message is wrong")
	}
	m.identities = frames[:i]
	m.header, m.parent, m.metadata, m.content = frames[i+2], frames[i+3], frames[i+4], frames[i+5]
	m.buffers = frames[i+6:]
	if err := json.Unmarshal(m.header, &m.head); err != nil {
		return m, fmt.Errorf("the header of a message is not valid: %w", err)
	}
	return m, nil
}

// encode gives the frames of a message, signed.
func (m message) encode(key []byte) [][]byte {
	parts := [][]byte{m.header, m.parent, m.metadata, m.content}
	for i, part := range parts {
		if len(part) == 0 {
			parts[i] = emptyObject
		}
	}
	sum := ""
	if len(key) > 0 {
		sum = signature(key, parts)
	}
	frames := append([][]byte{}, m.identities...)
	frames = append(frames, []byte(delimiter), []byte(sum))
	frames = append(frames, parts...)
	return append(frames, m.buffers...)
}

func signature(key []byte, parts [][]byte) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// newHeader makes the header of a message that this side sends.
func newHeader(kind, session, username string) json.RawMessage {
	return encodeJSON(header{ID: newID(), Session: session, Username: username, Type: kind, Version: protocolVersion,
		Date: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")})
}

func newID() string { return rand.Text() }

// encodeJSON encodes what is known to have a form in JSON.
func encodeJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
