package conformance

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

var withMTLS = options{autoMTLS: true}

func TestThePluginAnswersOverMutualTLS(t *testing.T) {
	p := launchIn(t, install(t, "fixtures/odd", "things"), withMTLS)
	must(t, p.protocol.Ping())
	inBothFormats(t, func(t *testing.T, format pluginFormat) {
		equal(t, "the answer", framesOf(t, p, odd(), behave("A", "answer"), format)[0].At(0, 0), any(1.0))
	})
	api := serve(t, says("{}"))
	equal(t, "the health", health(t, p, thingsAt(api.url)).Message, "The API answers.")
	if took := p.stop(); took >= gracefulTime {
		t.Errorf("stopping took %v", took)
	}
	equal(t, "the exit code", p.exited(t), 0)
}

func TestMutualTLSWorksOverTCPToo(t *testing.T) {
	own := options{autoMTLS: true, settings: map[string]string{"network": "tcp"}}
	answersOne(t, launchIn(t, install(t, "fixtures/odd"), own))
}

func TestAClientWithoutACertificateIsTurnedAway(t *testing.T) {
	p := launchIn(t, install(t), withMTLS)
	refused(t, p, insecure.NewCredentials())
	// This test is about what the plugin checks; what the client would check is nothing to it.
	blind := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}
	refused(t, p, credentials.NewTLS(blind))
}

func TestAClientWithAnothersCertificateIsTurnedAway(t *testing.T) {
	p := launchIn(t, install(t), withMTLS)
	_, stranger := certificate(t)
	blind := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", Certificates: []tls.Certificate{stranger}}
	refused(t, p, credentials.NewTLS(blind))
}

// refused expects that a connection comes to nothing, and that the rightful client's is as good as before.
func refused(t *testing.T, p *plugin, credentials credentials.TransportCredentials) {
	t.Helper()
	address := p.client.ReattachConfig().Addr
	connection, err := grpc.NewClient(address.Network()+":"+address.String(), grpc.WithTransportCredentials(credentials))
	must(t, err)
	defer func() { _ = connection.Close() }()
	ctx, cancel := context.WithTimeout(within(t), 10*time.Second)
	defer cancel()
	_, err = grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	if err == nil {
		t.Error("a stranger was let in")
	}
	must(t, p.protocol.Ping())
}

func TestTheHandshakeCarriesTheCertificateThatGoPluginWants(t *testing.T) {
	asked, _ := certificate(t)
	process := startRaw(t, install(t), "PLUGIN_CLIENT_CERT="+string(asked))
	fields := process.fields(t)
	der, err := base64.RawStdEncoding.DecodeString(fields[5])
	must(t, err)
	own, err := x509.ParseCertificate(der)
	must(t, err)
	must(t, own.VerifyHostname("localhost"))
	if now := time.Now(); now.Before(own.NotBefore) || now.AddDate(1, 0, 0).After(own.NotAfter) {
		t.Errorf("it is valid from %v to %v", own.NotBefore, own.NotAfter)
	}
	// go-plugin's client takes it for the authority that it verifies with.
	roots := x509.NewCertPool()
	roots.AddCert(own)
	_, err = own.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"})
	must(t, err)
}

// certificate makes a certificate of somebody whom the plugin does not know, as PEM and with its key.
func certificate(t *testing.T) ([]byte, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost", Organization: []string{"HashiCorp"}},
		DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-30 * time.Second), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageCertSign,
		IsCA:        true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return encoded, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
