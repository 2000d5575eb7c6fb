/// Requests of an ordinary phone behind NAT; the same as under Benchmarks/requests. "@@@@@@@@@@" is a number.
enum Messages {
    static let all = [register, invite].map { $0.replacing("\n", with: "\r\n") }

    private static let register = """
        REGISTER sip:sip.example.net:5060 SIP/2.0
        Via: SIP/2.0/UDP 192.168.1.50:5060;branch=z9hG4bK@@@@@@@@@@;rport
        From: "Reception" <sip:1001@sip.example.net:5060>;tag=2090410243
        To: "Reception" <sip:1001@sip.example.net:5060>
        Call-ID: 0_@@@@@@@@@@@192.168.1.50
        CSeq: 2 REGISTER
        Contact: <sip:1001@192.168.1.50:5060>
        Authorization: Digest username="1001", realm="sip.example.net", nonce="ZS1mKWUtZP1Yq0R0kIu3Zc1dOVm5Pp2f", \
        uri="sip:sip.example.net:5060", response="6629fae49393a05397450978507c4ef1", algorithm=MD5, \
        cnonce="0a4f113b", qop=auth, nc=00000001
        Allow: INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, PUBLISH, UPDATE, MESSAGE
        Max-Forwards: 70
        User-Agent: Yealink SIP-T46S 66.85.0.5
        Expires: 3600
        Allow-Events: talk,hold,conference,refer,check-sync
        Content-Length: 0


        """

    private static let invite = """
        INVITE sip:2002@sip.example.net:5060;user=phone SIP/2.0
        Via: SIP/2.0/UDP 192.168.1.50:5060;branch=z9hG4bK@@@@@@@@@@;rport
        From: "Reception" <sip:1001@sip.example.net:5060>;tag=1410493213
        To: <sip:2002@sip.example.net:5060;user=phone>
        Call-ID: 1_@@@@@@@@@@@192.168.1.50
        CSeq: 1 INVITE
        Contact: <sip:1001@192.168.1.50:5060>
        Content-Type: application/sdp
        Allow: INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, PUBLISH, UPDATE, MESSAGE
        Max-Forwards: 70
        User-Agent: Yealink SIP-T46S 66.85.0.5
        Supported: replaces,timer
        Session-Expires: 1800;refresher=uac
        Min-SE: 90
        Allow-Events: talk,hold,conference,refer,check-sync
        Content-Length: 305


        """
}
