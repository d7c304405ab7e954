// SPDX-License-Identifier: MIT

import API
import HTTP
import JSON
import Testing

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
            #""model":"turns","version":"1","success":true,"label":"90""#, #""confidence":0.75"#, #""model_degree":90"#,
            #""exif_degree":90"#,
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
        #expect(response.header("Model-Degree") == "180")
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

    @Test func probesAnswerWithoutKeysAndReadinessFollowsDraining() throws {
        let api = try API.stub { $0.keys = APIKeys("0123456789abcdef") }
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
        let keys = try #require(APIKeys("# for the cameras\n0123456789abcdef\n\n  fedcba9876543210xyz \n"))
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
        #expect(APIKeys("") == nil)
        #expect(APIKeys("# nothing") == nil)
        #expect(APIKeys("short") == nil)
        #expect(APIKeys("with a blank inside it") == nil)
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
