// SPDX-License-Identifier: MIT

import API
import HTTP
import JSON
import Testing
import Transport

@Suite struct APITests {
    private let api: API

    init() throws {
        api = try API.stub()
    }

    // MARK: /inference

    @Test(arguments: [
        "[7,0,0,0]", "[[7,0],[0,0]]", "[[7,0,0,0]]", "[[[7,0],[0,0]]]", "[[[7],[0]],[[0],[0]]]", "[[[[7,0],[0,0]]]]",
    ])
    func aDigitOfAnyShapeIsText(images: String) throws {
        let response = try api.answer("POST", "/inference", text: "{\"images\": \(images)}")
        #expect(response.status == .ok)
        #expect(response.text == "7")
        #expect(response.header("Content-Type") == "text/plain; charset=utf-8")
        #expect(response.header("Model-Version") == "2")
    }

    @Test(arguments: [
        ("POST", "/inference", #"{"images": [7,0,0,0]}"#),
        ("POST", "/v1/models/digits:predict", #"{"instances": [[7,0,0,0]]}"#),
        ("GET", "/v1/models/digits/metadata", ""),
        (
            "POST", "/v2/models/digits/infer",
            #"{"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1,2,2,1], "data": [7,0,0,0]}]}"#
        ),
        ("POST", "/predict/digits", #"{"image": "BQ=="}"#),
    ])
    func everyAnswerNamesALoweredPrecision(method: String, path: String, text: String) throws {
        for precision in [nil, "int8"] {
            let response = try API.stub(precision: precision).answer(method, path, text: text)
            #expect(response.status == .ok, "\(response.text)")
            #expect(response.header("Model-Precision") == precision)
        }
    }

    @Test func metadataNamesALoweredPrecision() throws {
        let lowered = try API.stub(precision: "int8").answer("GET", "/v2/models/digits").text
        #expect(lowered.contains(#""properties":{"precision":"int8"}"#), "\(lowered)")
        #expect(try !api.answer("GET", "/v2/models/digits").text.contains("properties"))
    }

    @Test func aConfigurationNamesALoweredPrecision() throws {
        let lowered = try API.stub(precision: "int8").answer("GET", "/v2/models/digits/config").text
        #expect(lowered.contains(#""precision":{"string_value":"int8"}"#), "\(lowered)")
        #expect(try !api.answer("GET", "/v2/models/digits/config").text.contains("precision"))
    }

    @Test func severalDigitsAreAList() throws {
        for images in ["[[1,0,0,0],[2,0,0,0]]", "[[[1,0],[0,0]],[[2,0],[0,0]]]"] {
            #expect(try api.answer("POST", "/inference", text: "{\"images\": \(images)}").text == "[1,2]")
        }
        let accept = ["Accept: text/html, application/json;q=0.9"]
        #expect(try api.answer("POST", "/inference", headers: accept, text: "{\"images\": [3,0,0,0]}").text == "[3]")
    }

    @Test(arguments: [
        "[1,2,3]", "[]", "[[1,2],[3]]", "[256,0,0,0]", "[-1,0,0,0]", "1", "null", "[[[[[1,0],[0,0]]]]]", "\"!\"",
        "[1e999,0,0,0]", "[1e39,0,0,0]", "[NaN,0,0,0]",
    ])
    func refusesOtherNumbers(images: String) throws {
        #expect(try api.answer("POST", "/inference", text: "{\"images\": \(images)}").status == .badRequest)
    }

    @Test func takesImagesInEveryForm() throws {
        #expect(try api.answer("POST", "/inference", headers: ["Content-Type: image/png"], body: [5]).text == "5")
        #expect(try api.answer("POST", "/inference", text: #"{"image": "BQ=="}"#).text == "5")
        #expect(try api.answer("POST", "/inference", text: #"{"image": {"b64": "BQ=="}}"#).text == "5")
        #expect(try api.answer("POST", "/inference", text: #"{"image": "data:image/png;base64,BQ=="}"#).text == "5")
        #expect(try api.answer("POST", "/inference", text: #"{"images": ["BQ==", "Bg=="]}"#).text == "[5,6]")
        let form = "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n\u{5}\r\n--X--"
        #expect(
            try api.answer("POST", "/inference", headers: ["Content-Type: multipart/form-data; boundary=X"], text: form)
                .text == "5")
    }

    @Test func tellsWhyAnImageCannotBeAnswered() throws {
        let type = ["Content-Type: image/jpeg"]
        let broken = try api.answer("POST", "/inference", headers: type, text: "broken")
        #expect(broken.status == .unprocessableContent)
        #expect(broken.text == #"{"error":"it is broken"}"#)
        #expect(try api.answer("POST", "/inference", headers: type, text: "text").status == .unsupportedMediaType)
        #expect(try api.answer("POST", "/inference", headers: type, text: "").status == .badRequest)
        #expect(
            try api.answer("POST", "/inference", headers: ["Content-Type: video/mp4"], text: "x").status
                == .unsupportedMediaType)
        #expect(try api.answer("POST", "/inference", headers: ["Content-Type: x"], text: "x").status == .badRequest)
    }

    @Test func limitsTheBatch() throws {
        let api = try API.stub { $0.maxBatch = 2 }
        let row = "[0,0,0,0]"
        #expect(try api.answer("POST", "/inference", text: "{\"images\": [\(row),\(row)]}").status == .ok)
        #expect(
            try api.answer("POST", "/inference", text: "{\"images\": [\(row),\(row),\(row)]}").status
                == .contentTooLarge)
        #expect(
            try api.answer("POST", "/inference", text: #"{"images": ["BQ==","BQ==","BQ=="]}"#).status
                == .contentTooLarge)
    }

    // MARK: /predict and /rotate

    @Test func predictsRotationWithItsOwnKeys() throws {
        let text = try api.answer("POST", "/predict/turns", headers: ["Content-Type: image/png"], body: [1]).text
        for part in [
            #""model":"turns","version":"1","success":true,"label":"90""#, #""confidence":0.75"#,
            #""turned_degree":90,"model_degree":270,"exif_degree":90"#,
        ] {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test func aBadImageOfAListDoesNotHarmTheOthers() throws {
        let response = try api.answer("POST", "/predict/digits", text: #"{"images": ["BQ==", "YnJva2Vu"]}"#)
        #expect(response.status == .ok)
        #expect(response.text.contains(#""label":"5""#))
        #expect(response.text.contains(#"{"success":false,"error":"it is broken"}"#))
    }

    @Test func rotateGivesAnImage() throws {
        let response = try api.answer("POST", "/rotate", headers: ["Content-Type: image/png"], body: [2, 9])
        #expect(response.body == [9, 2])
        #expect(response.header("Content-Type") == "image/png")
        #expect(response.header("Turned-Degree") == "180")
        #expect(response.header("Model-Degree") == "180")
        #expect(response.header("Exif-Degree") == "90")
    }

    /// `model_degree` is 360 minus the turn on every interface: 360 for a photo that stands upright.
    @Test(arguments: [(0, 0, 360), (1, 90, 270), (2, 180, 180), (3, 270, 90)])
    func anglesAreTheSameInBodiesAndHeaders(first: UInt8, turned: Int, model: Int) throws {
        let type = ["Content-Type: image/png"]
        let text = try api.answer("POST", "/predict/turns", headers: type, body: [first]).text
        #expect(text.contains(#""turned_degree":\#(turned),"model_degree":\#(model),"#))
        let response = try api.answer("POST", "/rotate", headers: type, body: [first])
        #expect(response.header("Turned-Degree") == "\(turned)")
        #expect(response.header("Model-Degree") == "\(model)")
    }

    // MARK: Views

    /// Wherever a request may say so; the stub answers four views with the next class.
    @Test(arguments: [
        ("/predict/turns?views=4", #"{"image":"AQ=="}"#), ("/predict/turns?a=b&views=4", #"{"image":"AQ=="}"#),
        ("/predict/turns", #"{"views":4,"image":"AQ=="}"#), ("/predict/turns?views=4", #"{"image":"AQ==","views":4}"#),
        ("/v1/models/turns:predict?views=4", #"{"instances":[{"b64":"AQ=="}]}"#),
        ("/v1/models/turns:predict", #"{"instances":[{"b64":"AQ=="}],"views":4}"#),
        (
            "/v2/models/turns/infer?views=4",
            #"{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AQ=="]}]}"#
        ),
        (
            "/v2/models/turns/infer",
            #"{"parameters":{"views":4},"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AQ=="]}]}"#
        ),
    ])
    func fourViewsAreAskedForOnEveryInterface(path: String, body: String) throws {
        let likeliestIsTheThird = ["\"label\":\"180\"", "0.083333336,0.083333336,0.75,0.083333336"]
        let asked = try api.answer("POST", path, text: body).text
        #expect(likeliestIsTheThird.contains { asked.contains($0) }, "\(asked)")
        let one = try api.answer(
            "POST", path.replacing("views=4", with: "views=1"), text: body.replacing("\"views\":4", with: "\"views\":1")
        ).text
        #expect(!likeliestIsTheThird.contains { one.contains($0) }, "\(one)")
    }

    @Test func aFormAsksForFourViews() throws {
        func turned(_ views: String) throws -> String? {
            let field = "--X\r\nContent-Disposition: form-data; name=\"views\"\r\n\r\n\(views)\r\n"
            let file = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\u{1}\r\n--X--"
            return try api.answer(
                "POST", "/rotate", headers: ["Content-Type: multipart/form-data; boundary=X"],
                body: Array((field + file).utf8)
            ).header("Turned-Degree")
        }
        #expect(try [turned("4"), turned("1"), turned("3")] == ["180", "90", nil])
    }

    @Test(arguments: [
        ("/predict/turns?views=2", #"{"image":"AQ=="}"#, "'views' must be 1 or 4"),
        ("/predict/turns?views=", #"{"image":"AQ=="}"#, "'views' must be 1 or 4"),
        ("/predict/turns", #"{"image":"AQ==","views":0}"#, "'views' must be 1 or 4"),
        ("/predict/turns?views=1", #"{"image":"AQ==","views":4}"#, "different 'views'"),
        ("/predict/digits?views=4", #"{"image":"AQ=="}"#, "can't look at four views"),
        ("/inference?views=4", #"{"image":"AQ=="}"#, "can't look at four views"),
        ("/v1/models/turns:predict?views=4", #"{"instances":[[[[1,2,3],[4,5,6]],[[7,8,9],[1,2,3]]]]}"#, "not numbers"),
    ])
    func otherViewsAreRefused(path: String, body: String, reason: String) throws {
        let answer = try api.answer("POST", path, text: body)
        #expect(answer.status == .badRequest)
        #expect(answer.text.contains(reason), "\(answer.text)")
    }

    // MARK: Routing and access

    @Test(arguments: [
        ("GET", "/nothing", 404), ("GET", "/inference", 405), ("DELETE", "/v2", 405), ("GET", "/v2/models/none", 404),
        ("POST", "/predict/none", 404), ("POST", "/v2/repository/models/digits/load", 403),
        ("GET", "/v2/models/digits/versions/1", 404), ("GET", "/v2/models/digits/versions/x", 404),
        ("POST", "/v1/models/digits:classify", 501), ("CONNECT", "a", 405),
    ])
    func refusesWhatItDoesNotServe(method: String, path: String, status: Int) throws {
        let response = try api.answer(method, path)
        #expect(response.status.code == status)
        #expect(response.text.hasPrefix("{\"error\":\""))
        if status == 405 { #expect(response.header("Allow") != nil) }
    }

    /// Without a key there, and nowhere else.
    @Test func metricsCanHaveAnAddressOfTheirOwn() throws {
        let api = try API.stub { $0.hasOwnMetricsAddress = true }
        let there = Peer(address: nil, isLocal: false, isForMetrics: true)
        #expect(try api.answer("GET", "/metrics", from: there).status == .ok)
        #expect(try api.answer("GET", "/healthz", from: there).status == .ok)
        #expect(try api.answer("GET", "/v2/models", from: there).status == .notFound)
        #expect(try api.answer("POST", "/inference", from: there).status == .notFound)
        #expect(try api.answer("GET", "/metrics").status == .notFound)
        #expect(try API.stub().answer("GET", "/metrics").status == .ok)
    }

    @Test func probesAnswerWithoutKeysAndReadinessFollowsDraining() throws {
        let keys = try APIKeys(Array("0123456789abcdef".utf8))
        let api = try API.stub { $0.keys = keys }
        for path in ["/v2/health/live", "/v2/health/ready", "/healthz", "/v2/health/live/"] {
            #expect(try api.answer("GET", path).status == .ok)
        }
        api.statistics.fleet[.isDraining] = 1
        let response = try api.answer("GET", "/v2/health/ready")
        #expect(response.status == .serviceUnavailable)
        #expect(response.text == #"{"ready":false,"live":true}"#)
        #expect(try api.answer("GET", "/v2/health/live").status == .ok)
    }

    @Test func wantsOneOfTheKeys() throws {
        let keys = try APIKeys(Array("# for the cameras\n0123456789abcdef\n\n  fedcba9876543210xyz \r\n".utf8))
        let api = try API.stub { $0.keys = keys }
        for header in [
            "Authorization: Bearer 0123456789abcdef", "authorization: bearer fedcba9876543210xyz",
            "access_token: 0123456789abcdef",
        ] {
            #expect(try api.answer("GET", "/v2", headers: [header]).status == .ok)
        }
        for header in [
            "X: y", "Authorization: Bearer", "Authorization: Basic 0123456789abcdef",
            "Authorization: Bearer 0123456789abcde", "Authorization: Bearer 0123456789abcdef0", "access_token: ",
            "access_token: 0123456789abcdeg",
        ] {
            let response = try api.answer("GET", "/v2", headers: [header])
            #expect(response.status == .unauthorized)
            #expect(response.header("WWW-Authenticate") == "Bearer realm=\"swiftnet\"")
            #expect(!response.text.contains("0123456789"))
        }
    }

    @Test func aKeyMayDoWhatItsLineSays() throws {
        let file = """
            all-0123456789abcdef
            predict-0123456789abcdef predict
            metrics-0123456789abcdef\tmetrics
            two-0123456789abcdef   metrics,admin
            """
        let keys = try APIKeys(Array(file.utf8))
        let api = try API.stub {
            $0.keys = keys
            $0.allowsAdministration = true
        }
        func statuses(_ key: String) throws -> [Int] {
            let header = ["access_token: \(key)-0123456789abcdef"]
            return [
                try api.answer("POST", "/inference", headers: header, text: #"{"images": [7,0,0,0]}"#).status.code,
                try api.answer("GET", "/v2/models", headers: header).status.code,
                try api.answer("GET", "/metrics", headers: header).status.code,
                try api.answer("POST", "/v2/repository/models/digits/load", headers: header).status.code,
            ]
        }
        #expect(try statuses("all") == [200, 200, 200, 200])
        #expect(try statuses("predict") == [200, 200, 403, 403])
        #expect(try statuses("metrics") == [403, 403, 200, 403])
        #expect(try statuses("two") == [403, 403, 200, 200])
        #expect(try statuses("none") == [401, 401, 401, 401])
        let refused = try api.answer("GET", "/metrics", headers: ["access_token: predict-0123456789abcdef"]).text
        #expect(refused == #"{"error":"this key does not have the right 'metrics'; it has: predict"}"#)
    }

    /// The switch counts for every key.
    @Test func noKeyAdministersWhereAdministrationIsOff() throws {
        let keys = try APIKeys(Array("0123456789abcdef admin".utf8))
        let api = try API.stub { $0.keys = keys }
        let header = ["access_token: 0123456789abcdef"]
        #expect(try api.answer("POST", "/v2/repository/models/digits/load", headers: header).status == .forbidden)
    }

    @Test(arguments: [
        ("", "there is no key in it"), ("# nothing", "there is no key in it"), ("short", "line 1: a key has 16"),
        ("\n\nwith a blank inside it", "line 3: a key has 16"),
        ("0123456789abcdef predict metrics", "line 1: a key may be"),
        ("0123456789abcdef Predict", "line 1: a key may be"), ("0123456789abcdef predict,", "line 1: a key may be"),
        ("0123456789abcdef all", "line 1: a key may be"), ("0123456789abcde\u{E9}", "line 1: a key has 16"),
        ("0123456789abcdef predi\u{212A}t", "line 1: a key may be"),
    ])
    func saysWhatIsWrongWithAKeyFileButNotTheKey(text: String, expected: String) {
        do {
            _ = try APIKeys(Array(text.utf8))
            Issue.record("taken")
        } catch {
            #expect(error.description.hasPrefix(expected))
            #expect(!error.description.contains("0123456789"))
        }
    }

    @Test func administrationWantsItsFlagAndPlainNames() throws {
        let api = try API.stub { $0.allowsAdministration = true }
        #expect(try api.answer("POST", "/v2/repository/models/new-1/load").text == #"load(model: "new-1")"#)
        #expect(try api.answer("POST", "/v2/repository/models/digits/unload").status == .ok)
        #expect(try api.answer("POST", "/v2/repository/models/none/unload").status == .notFound)
        for name in ["http:%20x", ".hidden", "a@1", "a,b", "%C3%A9"] {
            #expect(try api.answer("POST", "/v2/repository/models/\(name)/load").status == .badRequest)
        }
    }

    @Test func describesItselfAndCounts() throws {
        let document = try JSONValue(parsing: api.answer("GET", "/openapi.json").body)
        #expect(document["openapi"] == "3.1.0")
        // Every path that it describes is there, and takes the method.
        let paths = try #require(document["paths"]?.members)
        #expect(paths.count >= 31)
        for path in paths {
            let real = path.name.replacing("{model}", with: "digits").replacing("{version}", with: "2")
            for method in path.value.members ?? [] {
                let status = try api.answer(method.name.uppercased(), real).status.code
                #expect(![404, 405].contains(status), "\(method.name) \(path.name)")
            }
        }
        _ = try api.answer("POST", "/inference", text: #"{"images": [[1,0,0,0],[2,0,0,0]]}"#)
        let metrics = try api.answer("GET", "/metrics").text
        #expect(metrics.contains("swiftnet_model_images_total{model=\"digits\",version=\"2\"} 2\n"))
        #expect(metrics.contains("swiftnet_model_runs_total{model=\"digits\",version=\"2\"} 1\n"))
        #expect(metrics.contains("swiftnet_model_images_total{model=\"turns\",version=\"1\"} 0\n"))
    }
}
