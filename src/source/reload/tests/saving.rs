//! Each way in which people and programs save a file ends in the right version.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::{Place, Scene, Told, good, kernel, polling, rename_over};
use crate::source::watch::Watch;

/// A way of saving, given the root directory and the text.
type Save = fn(&Path, &str);
/// How a watch is set up.
type Tune = fn(Watch) -> Watch;

const WAYS: &[(&str, Save)] = &[
    ("rename over", |root, text| rename_over(&root.join("etc/access.toml"), text)),
    ("in place", |root, text| fs::write(root.join("etc/access.toml"), text).unwrap()),
    ("delete and recreate", |root, text| {
        fs::remove_file(root.join("etc/access.toml")).unwrap();
        fs::write(root.join("etc/access.toml"), text).unwrap();
    }),
    ("hard link", |root, text| {
        fs::write(root.join("fresh"), text).unwrap();
        fs::remove_file(root.join("etc/access.toml")).unwrap();
        fs::hard_link(root.join("fresh"), root.join("etc/access.toml")).unwrap();
        fs::remove_file(root.join("fresh")).unwrap();
    }),
    ("directory replaced", |root, text| {
        fs::create_dir(root.join("fresh")).unwrap();
        fs::write(root.join("fresh/access.toml"), text).unwrap();
        fs::rename(root.join("etc"), root.join("old")).unwrap();
        fs::rename(root.join("fresh"), root.join("etc")).unwrap();
        fs::remove_dir_all(root.join("old")).unwrap();
    }),
    ("directory deleted and recreated", |root, text| {
        fs::remove_dir_all(root.join("etc")).unwrap();
        fs::create_dir(root.join("etc")).unwrap();
        fs::write(root.join("etc/access.toml"), text).unwrap();
    }),
];

#[test]
fn every_way_of_saving_takes_effect() {
    for (way, save) in WAYS {
        for tune in [kernel, polling] {
            let (place, file) = Place::with_file();
            let scene = Scene::start(vec![file], tune);
            for round in 0..4 {
                let text = format!("{way} {round}");
                save(&place.root, &text);
                for told in scene.until(&text) {
                    // Between deleting and recreating there is nothing to read.
                    assert!(matches!(&told, Told::Refused(why) if why.contains("no such file")), "{way}: {told:?}");
                }
            }
            scene.assert_silent();
        }
    }
}

#[test]
fn kubernetes_swaps_take_effect() {
    for tune in [kernel, polling] {
        let place = Place::new();
        let volume = place.root.join("etc");
        let swap = |round: usize| {
            let (dated, text) = (format!("..2026_{round}"), format!("swap {round}"));
            fs::create_dir(volume.join(&dated)).unwrap();
            fs::write(volume.join(&dated).join("access.toml"), text).unwrap();
            symlink(&dated, volume.join("..data_tmp")).unwrap();
            fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        };
        swap(0);
        symlink("..data/access.toml", volume.join("access.toml")).unwrap();
        let scene = Scene::start(vec![volume.join("access.toml")], tune);
        for round in 1..8 {
            swap(round);
            fs::remove_dir_all(volume.join(format!("..2026_{}", round - 1))).unwrap();
            assert_eq!(scene.until(&format!("swap {round}")), []);
        }
        scene.assert_silent();
    }
}

#[test]
fn a_target_in_another_directory_is_followed() {
    for tune in [kernel, polling] {
        let place = Place::new();
        let (link, target) = (place.root.join("etc/access.toml"), place.root.join("far/away/real.toml"));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, "first").unwrap();
        symlink("../far/away/real.toml", &link).unwrap();
        let scene = Scene::start(vec![link.clone()], tune);
        for text in ["second", "third"] {
            rename_over(&target, text);
            assert_eq!(scene.until(text), []);
        }
        let other = place.root.join("quite/another/real.toml");
        fs::create_dir_all(other.parent().unwrap()).unwrap();
        fs::write(&other, "fourth").unwrap();
        symlink("../quite/another/real.toml", place.root.join("etc/new")).unwrap();
        fs::rename(place.root.join("etc/new"), &link).unwrap();
        assert_eq!(scene.until("fourth"), []);
        rename_over(&other, "fifth");
        assert_eq!(scene.until("fifth"), []);
    }
}

#[test]
fn half_a_file_is_never_taken() {
    let (_place, path) = Place::with_file();
    let scene = Scene::start(vec![path.clone()], kernel);
    for recreate in [false, true] {
        if recreate {
            fs::remove_file(&path).unwrap();
        }
        let mut file = File::create(&path).unwrap();
        scene.assert_silent();
        file.write_all(b"one half,").unwrap();
        scene.assert_silent();
        file.write_all(b" other half").unwrap();
        scene.assert_silent();
        drop(file);
        if recreate {
            // Equal to what is in force, so there was nothing to do.
            scene.assert_silent();
        } else {
            assert_eq!(scene.next(), good("one half, other half"));
        }
    }
}

#[test]
fn a_writer_who_never_closes_is_not_waited_for_for_ever() {
    let (_place, path) = Place::with_file();
    let scene = Scene::start(vec![path.clone()], |watch| kernel(watch).hold_for(Duration::from_millis(50)));
    let mut file = File::create(&path).unwrap();
    file.write_all(b"kept open").unwrap();
    scene.until("kept open");
    drop(file);
}

#[test]
fn saves_in_a_row_end_in_the_last() {
    let in_place = |file: &Path, text: &str| fs::write(file, text).unwrap();
    // Polling cannot tell a writer that was interrupted for long from one that is done: what it publishes then is put
    // right by the next poll.
    let ways: [(Tune, Save, bool); 4] = [
        (kernel, rename_over, true),
        (kernel, in_place, true),
        (polling, rename_over, true),
        (polling, in_place, false),
    ];
    for (tune, save, always_whole) in ways {
        let (_place, path) = Place::with_file();
        let scene = Scene::start(vec![path.clone()], tune);
        for round in 100..300 {
            save(&path, &format!("round {round}"));
        }
        for told in scene.until("round 299") {
            let whole = matches!(&told, Told::Good(text) if text.len() == "round 100".len());
            assert!(whole || !always_whole, "{told:?}");
        }
        scene.assert_silent();
    }
}

#[test]
fn two_saves_of_one_length_within_a_second_are_two() {
    for tune in [kernel, polling] {
        let (_place, path) = Place::with_file();
        let scene = Scene::start(vec![path.clone()], tune);
        for text in ["aaaa", "bbbb"] {
            fs::write(&path, text).unwrap();
            assert_eq!(scene.next(), good(text));
        }
    }
}

#[test]
fn a_save_is_acted_on_without_a_poll() {
    let (_place, path) = Place::with_file();
    // Here the next poll is an hour away.
    let scene = Scene::start(vec![path.clone()], kernel);
    for round in 0..10 {
        let text = format!("round {round}");
        rename_over(&path, &text);
        scene.until(&text);
    }
}
