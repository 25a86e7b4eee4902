//! Assets that nobody should pack, and archives that nobody packs.

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....";

fn files(files: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
}

fn refusal(path: &str, bytes: &[u8]) -> String {
    Assets::pack(files(&[(path, bytes)])).unwrap_err().to_string()
}

/// An archive with one entry, of whatever name and type.
fn archive(name: &[u8], kind: tar::EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, bytes).unwrap();
    archive.into_inner().unwrap()
}

#[test]
fn what_is_packed_is_read() {
    let packed = Assets::pack(files(&[
        ("messages/de.ftl", b"a = A\n"),
        ("messages/pt-BR.ftl", b"a = A\n"),
        ("images/logo.png", PNG),
        ("images/small/photo.jpeg", b"\xff\xd8\xff\xe0"),
        ("images/a.webp", b"RIFF....WEBPVP8 "),
        ("images/b.gif", b"GIF89a"),
    ]))
    .unwrap();
    let assets = Assets::read(&packed).unwrap();
    let tags: Vec<_> = assets.messages.iter().map(|messages| messages.locale().tag()).collect();
    assert_eq!(tags, ["de", "pt-BR"]);
    assert_eq!(assets.images["images/logo.png"].bytes, PNG);
    let types: Vec<_> = assets.images.values().map(|image| image.media_type).collect();
    assert_eq!(types, ["image/webp", "image/gif", "image/png", "image/jpeg"]);
}

#[test]
fn the_same_files_make_the_same_archive() {
    let packed = || Assets::pack(files(&[("images/logo.png", PNG)])).unwrap();
    assert_eq!(packed(), packed());
    assert!(Assets::read(&Assets::pack(BTreeMap::new()).unwrap()).unwrap().images.is_empty());
}

#[test]
fn a_path_leads_nowhere_else() {
    for path in [
        "../messages/de.ftl",
        "messages/../../de.ftl",
        "/messages/de.ftl",
        "messages//de.ftl",
        "./messages/de.ftl",
        "messages/.de.ftl",
        "messages\\de.ftl",
        "images/a b.png",
        "images/ü.png",
        "images/a\0.png",
        "",
    ] {
        assert!(refusal(path, PNG).contains("a path is names of"), "{path}");
        let packed = archive(path.as_bytes(), tar::EntryType::Regular, PNG);
        assert!(Assets::read(&packed).is_err(), "{path}");
    }
    assert!(refusal(&format!("images/{}.png", "a".repeat(90)), PNG).contains("at most 100 bytes"));
}

#[test]
fn only_plain_files_are_read_of_an_archive() {
    use tar::EntryType as Kind;
    for kind in [
        Kind::Symlink,
        Kind::Link,
        Kind::Directory,
        Kind::Char,
        Kind::Fifo,
        Kind::GNULongName,
        Kind::GNUSparse,
        Kind::XHeader,
        Kind::XGlobalHeader,
    ] {
        let error = Assets::read(&archive(b"images/a.png", kind, PNG)).unwrap_err();
        assert_eq!(error.to_string(), "`images/a.png`: only plain files can be assets");
    }
}

#[test]
fn a_file_that_is_there_twice_is_refused() {
    let mut twice = archive(b"images/a.png", tar::EntryType::Regular, PNG);
    twice.truncate(1024);
    twice.extend(archive(b"images/a.png", tar::EntryType::Regular, PNG));
    assert_eq!(Assets::read(&twice).unwrap_err().to_string(), "`images/a.png`: it is there twice");
}

#[test]
fn what_is_no_archive_is_refused() {
    assert!(Assets::read(&[b'x'; 2048]).unwrap_err().to_string().starts_with("not a tar archive"));
    let mut cut = archive(b"images/a.png", tar::EntryType::Regular, &[PNG, &[0; 2000]].concat());
    cut.truncate(1024);
    assert!(Assets::read(&cut).is_err());
    let long = vec![0; MAX_BYTES * 2];
    assert!(
        Assets::read(&long).unwrap_err().to_string().starts_with("the archive has 8388608 bytes")
    );
}

#[test]
fn an_image_is_what_its_name_says() {
    insta::assert_snapshot!(refusal("images/a.png", b"GIF89a"), @"`images/a.png`: it does not begin as `image/png` does");
    insta::assert_snapshot!(refusal("images/a.gif", b"<script>"), @"`images/a.gif`: it does not begin as `image/gif` does");
    insta::assert_snapshot!(refusal("images/a.webp", b"RIFF"), @"`images/a.webp`: it does not begin as `image/webp` does");
    insta::assert_snapshot!(refusal("images/a.svg", b"<svg/>"), @"`images/a.svg`: the name of an image ends with one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.gif`");
}

#[test]
fn messages_are_named_by_their_language_and_can_be_parsed() {
    insta::assert_snapshot!(refusal("messages/german.de.ftl", b""), @"`messages/german.de.ftl`: messages are in a file named by their language, such as `de.ftl`");
    insta::assert_snapshot!(refusal("messages/de.txt", b""), @"`messages/de.txt`: messages are in a file named by their language, such as `de.ftl`");
    insta::assert_snapshot!(refusal("messages/pt-br.ftl", b""), @"`messages/pt-br.ftl`: the language is written `pt-BR`");
    insta::assert_snapshot!(refusal("messages/de.ftl", b"a = A\nb\n"), @"`messages/de.ftl`: line 2: expected a token starting with `=`");
    insta::assert_snapshot!(refusal("messages/de.ftl", b"\xff"), @"`messages/de.ftl`: it is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0");
    insta::assert_snapshot!(refusal("README.md", b""), @"`README.md`: assets are `messages/LANGUAGE.ftl` and what is in `images/`");
}

#[test]
fn assets_are_so_many_and_so_large_and_no_more() {
    let many = |number: usize| {
        let files = (0..number).map(|n| (format!("images/{n}.gif"), b"GIF89a".to_vec()));
        Assets::pack(files.collect())
    };
    assert!(Assets::read(&many(200).unwrap()).is_ok());
    assert_eq!(many(201).unwrap_err().to_string(), "there are more than 200 files");
    let large = [b"GIF89a".as_slice(), &vec![0; MAX_BYTES]].concat();
    assert_eq!(
        refusal("images/a.gif", &large),
        "the files have 4194310 bytes, the limit is 4194304"
    );
    let long = vec![b'#'; MAX_MESSAGES_BYTES + 1];
    assert_eq!(
        refusal("messages/de.ftl", &long),
        "`messages/de.ftl`: it has 262145 bytes, the limit is 262144"
    );
    let language = |n: u8| {
        let letters = [b'a' + n / 26, b'a' + n % 26];
        (format!("messages/{}.ftl", String::from_utf8_lossy(&letters)), Vec::new())
    };
    let error = Assets::pack((0..51).map(language).collect()).unwrap_err();
    assert_eq!(error.to_string(), "there are messages in 51 languages, the limit is 50");
}
